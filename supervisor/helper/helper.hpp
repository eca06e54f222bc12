#pragma once
// The master's side of its helper: asks, waits with a deadline, and replaces a process that has
// ended or does not answer. Believes nothing that it cannot check. Loop thread.

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/helper/message.hpp"
#include "supervisor/helper/probe.hpp"
#include "supervisor/helper/process.hpp"

namespace reeve::supervisor {

///              ask()                     answers out of time, speaks nonsense
///   Absent ------------------> Running ------------------------------------> Killed
///     ^   (not within a pause)    |                                             |
///     +---------------------------+------------------ reaped -------------------+
///
/// A process that was killed and cannot die, since it hangs in the kernel, has no second one beside
/// it: what is asked meanwhile meets its deadline.
class Helper {
 public:
  static constexpr std::size_t kMostRequests = 1024;
  static constexpr Duration kFirstPause = std::chrono::milliseconds(100);  ///< after an end
  static constexpr Duration kLongestPause = std::chrono::seconds(10);

  enum class Failure : std::uint8_t {
    Late,     ///< no answer before the deadline
    Ended,    ///< the process has ended twice over this request
    TooMany,  ///< kMostRequests wait already
  };
  using OnAnswer = std::function<void(std::expected<std::string, Failure> answer)>;

  struct Callbacks {
    std::function<ipc::Result<StartedHelper>()> start;
    std::function<void(const std::string& text)> warn;
  };

  Helper(ipc::uv::Loop& loop, Callbacks callbacks);
  /// Ends the process. Nobody gets an answer any more.
  ~Helper();
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;

  /// Calls `on_answer` once: later, or from inside the call when there is no room. `text` and what
  /// belongs to it fit into kMostRequestBytes.
  void ask(HelperTask task, std::string text, Duration deadline, OnAnswer on_answer);
  /// A child was reaped.
  void exited(pid_t pid, const Death& death);
  /// Kills the process; another one is started when it is needed.
  void kill_process();

  /// None: there is none, or it was reaped.
  [[nodiscard]] std::optional<pid_t> pid() const { return pid_; }

 private:
  struct Request {
    HelperTask task{};
    std::string text;
    TimePoint deadline;
    OnAnswer on_answer;
    int sent = 0;            // How often.
    bool in_flight = false;  // To the process that runs now.
  };

  void advance();
  [[nodiscard]] bool start_process();
  void send_all();
  void receive();
  void on_timer();
  void drop_line();
  void finish(std::uint64_t id, std::expected<std::string, Failure> answer);

  ipc::uv::Loop& loop_;
  Callbacks callbacks_;
  std::map<std::uint64_t, Request> requests_;  // By id: the oldest first.
  std::uint64_t last_id_ = 0;
  std::optional<pid_t> pid_;
  ipc::UniqueFd socket_;  // None: it has been given up, or there is no process.
  std::optional<ipc::uv::Poll> poll_;
  Duration pause_ = kFirstPause;
  TimePoint not_before_{};  // No process is started.
  ipc::uv::Timer timer_;
};

/// How long a name service may take.
inline constexpr Duration kFindUserWithin = std::chrono::seconds(5);

/// find_user() by the helper. The error also says that nobody answered in time.
void find_user(Helper& helper, const std::string& text,
               std::function<void(FoundUser found)> on_found);

/// Has the helper ask. `good` are the answers that are. A helper that ends, or does not answer, is
/// no failure of the program.
void ask_from_outside(Helper& helper, const NetworkProbe& probe, std::vector<int> good,
                      OnProbeAnswer on_answer);

}  // namespace reeve::supervisor
