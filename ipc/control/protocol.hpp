#pragma once
// What reevectl and the master say to each other: typed requests and replies. On the wire it is
// Varlink's framing (https://varlink.org/Method-Call): one JSON object, then NUL, over a Unix
// stream socket.
//   {"method":"dev.reeve.Restart","parameters":{"names":["web"]},"more":true}
//   {"parameters":{...},"continues":true}
//   {"error":"dev.reeve.Failed","parameters":{"message":"..."}}
// Parsing survives any input from anyone who may connect. Fields that only another version knows
// are skipped.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/control/protocol_names.hpp"
#include "ipc/worker_report.hpp"

namespace reeve::ipc::control {

/// How many names one request may have.
inline constexpr std::size_t kMaxNames = 10'000;
/// How the error begins that a master of another version gives for a method of this one's.
inline constexpr std::string_view kUnknownMethod = "unknown method ";
/// How much of one past a Tail may ask for: with every byte escaped it still fits into a frame.
inline constexpr std::size_t kMaxTailBytes = 128 << 10;
/// How much of many pasts, of all slots of a pool, one Tail shows.
inline constexpr std::size_t kMaxTailsBytes = 2 << 20;

struct Request {
  Method method = Method::Status;
  std::vector<std::string> names;  ///< "web", "web:", "web:*", "web:0", "all"; empty means all
  bool hard = false;               ///< Restart: stop first
  bool wait = false;  ///< Restart, Deploy, Rollback, Update: wait for a deployment that is running
  int canary = 0;     ///< Deploy: so many new workers are watched first; 0: none
  std::chrono::milliseconds watch{};  ///< Deploy: for so long
  bool more = false;                  ///< Tail, Maintail: follow. Other commands: tell how it goes
  std::size_t bytes = 1600;  ///< Tail, Maintail: how much of the past, at most kMaxTailBytes
  std::string signal;        ///< Signal: "HUP", "SIGHUP" or "1"
  std::optional<ScaleBy> scale;
  bool lifespan = false;  ///< Status: what each worker has opened, too
  bool schedule = false;  ///< Status: what each worker has scheduled, too
  bool full = false;      ///< Why: all that is known

  bool operator==(const Request&) const = default;
};

/// Whether the answer ends only with the client or the master: a stream that is followed.
[[nodiscard]] inline bool follows(const Request& request) {
  const Follows follows = traits(request.method).follows;
  return follows == Follows::Always || (follows == Follows::WithMore && request.more);
}

/// One line of `status`.
struct Process {
  std::string name;   ///< "web:0"; "web" in a pool of one
  std::string pool;   ///< empty: of a master that does not say
  int slot = 0;       ///< in its pool
  std::string state;  ///< the slot's: RUNNING ...
  int pid = 0;        ///< 0 when there is none
  std::uint64_t generation = 0;
  std::chrono::milliseconds uptime{};  ///< since it became ready, or since it left its last state
  std::string detail;                  ///< why: "tries again in 1.2 s, after: exited with code 3"
  std::string worker_state;            ///< what the worker says of itself; empty for a foreign one
  std::string status;                  ///< the worker's last STATUS=
  std::string trouble;  ///< what keeps it from getting on now: who blocks its event loop
  std::uint64_t requests = 0;
  std::uint64_t in_flight = 0;
  int restarts = 0;        ///< since an operator has started it: nobody asked for them
  std::string last_death;  ///< that nobody asked for: its cause; empty: there was none
  std::chrono::milliseconds died_ago{};
  std::string last_line;  ///< that this one had printed
  std::string cost;       ///< what the end of the last worker here has cost; empty: nothing known

  bool operator==(const Process&) const = default;
};
REEVE_FIELDS(Process, name, pool, slot, state, pid, generation, uptime, detail, worker_state,
             status, trouble, requests, in_flight, restarts, last_death, died_ago, last_line, cost)

/// One phase of a worker's start.
struct Phase {
  std::string process;               ///< "web:0"
  int pid = 0;                       ///< of that very worker: in a roll a slot has several
  std::string name;                  ///< "[2/5] connections"
  std::chrono::microseconds took{};  ///< until now when it is not done
  bool done = false;

  bool operator==(const Phase&) const = default;
};
REEVE_FIELDS(Phase, process, pid, name, took, done)

/// What a worker has told of one of its resources.
struct Resource {
  std::string process;
  int pid = 0;
  ResourceReport report;
  std::chrono::milliseconds since{};  ///< so long it has been in this state

  bool operator==(const Resource&) const = default;
};
REEVE_FIELDS(Resource, process, pid, report, since)

/// What a worker has told of one of its scheduled jobs.
struct ScheduledJob {
  std::string process;
  int pid = 0;
  ScheduledReport report;

  bool operator==(const ScheduledJob&) const = default;
};
REEVE_FIELDS(ScheduledJob, process, pid, report)

/// The verdict on one named thing of a request.
struct Verdict {
  std::string name;
  bool ok = false;
  std::string code;         ///< a stable word: "started", "not_running", "spawn_error" ...
  std::string text;         ///< the reason, for a person; may have several lines
  std::string pool;         ///< that it is about; empty: none
  std::optional<int> slot;  ///< of the pool; none: the whole of it

  bool operator==(const Verdict&) const = default;
};
REEVE_FIELDS(Verdict, name, ok, code, text, pool, slot)

/// One thing that happened, for a program; Reply::text tells a person the same.
struct Event {
  std::string time;  ///< RFC 3339, UTC: "2026-01-31T23:59:59.123Z"
  std::string
      kind;  ///< a stable word: "state", "exit", "deploy", "verdict", "command", "reload", "lease"
  std::string name;  ///< "web:0", "web"; empty: about the master
  std::string text;
  std::string pool;         ///< that it is about; empty: none
  std::optional<int> slot;  ///< of the pool; none: the whole of it

  bool operator==(const Event&) const = default;
};
REEVE_FIELDS(Event, time, kind, name, text, pool, slot)

struct Reply {
  bool continues = false;  ///< more replies to the same request follow
  /// The request as a whole failed; names thing, cause and remedy.
  std::optional<std::string> error;
  std::vector<Process> processes;   ///< Status, Pid
  std::vector<Phase> phases;        ///< Status with `lifespan`
  std::vector<Resource> resources;  ///< Status with `lifespan`: of a worker in the order of opening
  std::vector<ScheduledJob> schedule;  ///< Status with `schedule`
  std::vector<Verdict> verdicts;  ///< of every command that changes something, and unknown names
  /// Tail, Maintail: bytes of the log (made valid UTF-8). Version: the version. Why: the reports.
  /// Events: a line for each event. With `continues` of any other: lines that say how it goes.
  std::string text;
  std::optional<Event> event;  ///< Events
  int master_pid = 0;          ///< Status, Pid, Version

  bool operator==(const Reply&) const = default;
};

/// One frame without its NUL.
[[nodiscard]] std::string encode(const Request& request);
[[nodiscard]] std::string encode(const Reply& reply);
[[nodiscard]] Result<Request> decode_request(std::string_view frame);
[[nodiscard]] Result<Reply> decode_reply(std::string_view frame);

}  // namespace reeve::ipc::control
