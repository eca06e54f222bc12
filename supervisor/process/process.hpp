#pragma once
// The master's record of one worker process: its pid, its pipes, its line to the master, and what
// it last said. Decides nothing; tells its observer. Loop thread.

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/channel.hpp"
#include "ipc/format/fields.hpp"
#include "ipc/message.hpp"
#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/recorder.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/listen/worker_socket.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/log/log_pipe.hpp"
#include "supervisor/process/spawner.hpp"
#include "supervisor/process/worker_reports.hpp"
#include "supervisor/system/cgroup.hpp"

namespace reeve::supervisor {

class Process;

/// What a process tells whoever started it. Not while it is being constructed.
class ProcessObserver {
 public:
  virtual ~ProcessObserver() = default;
  virtual void executed(Process& process) = 0;  ///< exec has succeeded
  virtual void on_message(Process& process, const ipc::WorkerMessage& message) = 0;
  virtual void line_lost(Process& process) = 0;  ///< see Process::line_lost
  virtual void printed(Process& process, Stream stream, std::string_view line) = 0;
  /// A line so far, which has no end yet; see LogPipe::Callbacks.
  virtual void printed_part(Process& process, std::string_view part) = 0;
};

class Process {
 public:
  struct Identity {
    using Flat = void;
    WorkerId worker{};
    int slot = 0;
    Generation generation{};
  };
  /// The master's ends of what crosses to the child.
  struct MasterEnds {
    ipc::Channel channel;
    ipc::Recorder recorder;
    ipc::UniqueFd stdout_pipe;
    ipc::UniqueFd stderr_pipe;
    WorkerSockets worker_sockets;
    std::unique_ptr<WorkerCgroup> cgroup = nullptr;  ///< null: it is in the master's
  };

  struct State {
    Identity identity;
    pid_t pid = 0;       ///< 0 once it was reaped
    pid_t group = 0;     ///< then: its process group, in which something it has started may live
    std::string cgroup;  ///< the path of its own; empty: it has none
    std::optional<TimePoint> drained_at;
    std::optional<TimePoint> watchdog_at;
    bool kill_sent = false;  ///< by us, while it lived: no news of its state, of ours only
    int channel_fd = ipc::kNoFd;
    int recorder_fd = ipc::kNoFd;
    int exec_status_fd = ipc::kNoFd;  ///< none: exec is decided
    std::string program;              ///< for what exec says, as `directory`
    std::string directory;
    StopRule stop;  ///< of the version that it was started with
    std::string exec_error;
    int exec_code = 0;  ///< its errno
    std::string status_text;
    std::deque<std::string> steps;
    std::string reason;
    std::string cost;  ///< of its end, so far
    std::optional<ipc::WorkerState> state;
    bool line_lost = false;
    bool has_notified = false;  ///< over NOTIFY_SOCKET
    WorkerReports reports;
    std::deque<std::string> last_lines;
    LogPipe::State out;
    LogPipe::State error;
    // What its pool knows of it.
    std::vector<WorkerSocket::State> worker_sockets;
    /// It is to drain, and hears of it once it has read what came to its worker sockets.
    bool leaving = false;
  };

  Process(ipc::uv::Loop& loop, ProcessObserver& observer, Identity identity, MasterEnds ends,
          const LaunchPlan& plan, Spawned spawned);
  /// One that another master has started, whose descriptors it takes over.
  Process(ipc::uv::Loop& loop, ProcessObserver& observer, State state, WorkerSockets worker_sockets,
          std::unique_ptr<WorkerCgroup> cgroup);
  /// All but what its pool knows of it.
  [[nodiscard]] State state() const;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] const Identity& identity() const { return state_.identity; }
  /// Nothing once it was reaped: the number may belong to another process.
  [[nodiscard]] std::optional<pid_t> pid() const {
    return state_.pid != 0 ? std::optional(state_.pid) : std::nullopt;
  }

  /// To the process alone: its own children are its own affair.
  void signal(int signal);
  /// Tells it to stop: by a signal, once, and for a native worker the kind of drain. A second call
  /// may turn a patient drain into a prompt one; it sends no second signal, which some programs
  /// take for "at once". One that was stopped (SIGSTOP) goes on, to hear it.
  void drain(ipc::DrainKind kind, const StopRule& how);
  /// How, by the version that it was started with: its pool may have forgotten that.
  [[nodiscard]] const StopRule& stop_at_launch() const { return state_.stop; }
  /// When drain() was first called.
  [[nodiscard]] std::optional<TimePoint> drained_at() const { return state_.drained_at; }
  /// SIGKILL to its whole group, and to what has left that for a session of its own.
  void kill_group();
  /// Called after reaped(): finds what it has sent to the background, out of its process group, and
  /// tells that to stop. `is_known`: a worker, or the like, that is none of it. False: there is
  /// nothing new.
  bool find_detached(const std::function<bool(pid_t)>& is_known, const StopRule& how);
  [[nodiscard]] bool has_detached() const { return !detached_.empty(); }
  /// It, or something that it has started: in its process group, in its cgroup, or found to have
  /// left both.
  [[nodiscard]] bool lives() const;
  /// "sleep (pid 12), tee (pid 13)": what lives of it.
  [[nodiscard]] std::string name_what_lives() const;
  /// Its pid, also when that was reaped: to name it by.
  [[nodiscard]] pid_t leader() const { return state_.pid != 0 ? state_.pid : state_.group; }
  /// What the kernel said of its death, and what the master knows beside that: a failed exec, who
  /// has killed it.
  [[nodiscard]] Death explain(Death death) const;

  /// Called while it is a zombie: takes its last words, and tells what is left of it to stop, or
  /// kills it. A child that outlived its worker would keep the pool's listeners and serve nobody's
  /// requests.
  void conclude(const StopRule& how, bool kill);
  /// It is, or was, a zombie: what it says now are its last words.
  [[nodiscard]] bool is_over() const { return over_; }
  /// Called once it was reaped: forgets the pid. What it has started may still print.
  void reaped();
  /// Nothing of it lives: takes what was printed at the end.
  void finish();

  /// Takes a message that came to NOTIFY_SOCKET, where native workers say nothing: only the keys of
  /// sd_notify(3), what belongs to the channel is left out.
  void on_notification(const ipc::WorkerMessage& message);
  /// Sends it a message over the channel. Fails when that is full or closed.
  [[nodiscard]] ipc::Result<> tell(const ipc::MasterMessage& message) const;

  [[nodiscard]] const std::string& exec_error() const { return state_.exec_error; }
  [[nodiscard]] const std::string& status_text() const { return state_.status_text; }
  /// Of its lifespan; the newest is last, at most kLastSteps.
  [[nodiscard]] const std::deque<std::string>& steps() const { return state_.steps; }
  [[nodiscard]] std::string step() const { return state_.steps.empty() ? "" : state_.steps.back(); }
  [[nodiscard]] const std::string& reason() const {
    return state_.reason;
  }  ///< why it fails or stops
  /// What it says of itself; none: it is a foreign one.
  [[nodiscard]] std::optional<ipc::WorkerState> worker_state() const { return state_.state; }
  /// The newest is last; at most kLastLines.
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return state_.last_lines; }
  [[nodiscard]] const ipc::RecorderPage& recorder_page() const { return recorder_.page(); }
  [[nodiscard]] const ipc::BlackBox& black_box() const { return recorder_.black_box(); }
  /// What it has told of its inside, over the channel.
  [[nodiscard]] const WorkerReports::State& reports() const { return state_.reports.state(); }
  /// When it last sent WATCHDOG=1.
  [[nodiscard]] std::optional<TimePoint> watchdog_at() const { return state_.watchdog_at; }

  /// Whether it has used NOTIFY_SOCKET.
  [[nodiscard]] bool has_notified() const { return state_.has_notified; }
  /// Its own listening sockets; empty when it shares those of the pool.
  [[nodiscard]] WorkerSockets& worker_sockets() { return worker_sockets_; }
  /// It has closed its channel, over which it had spoken, and lives on.
  [[nodiscard]] bool line_lost() const { return state_.line_lost; }
  [[nodiscard]] const WorkerSockets& worker_sockets() const { return worker_sockets_; }
  /// It speaks over the channel: it was written for this, and drains without losing anything.
  [[nodiscard]] bool is_native() const { return state_.state.has_value(); }

  static constexpr std::size_t kLastLines = 10;
  static constexpr std::size_t kLastSteps = 8;

 private:
  void signal_all_of_it(int signal) const;
  void tell_all_of_it(const StopRule& how) const;
  /// A process that was found by what its environment says. It lives until its pidfd says
  /// otherwise.
  struct Detached {
    pid_t pid;
    ipc::UniqueFd pidfd;
  };
  [[nodiscard]] static bool lives(const Detached& one);
  [[nodiscard]] pid_t group() const;
  void watch();
  void on_exec_status();
  void read_channel(int most);
  void on_message(const ipc::WorkerMessage& message);
  void miss_the_line();
  [[nodiscard]] LogPipe::Callbacks printer(Stream stream);
  void print(Stream stream, std::string_view line);

  ProcessObserver& observer_;
  ipc::uv::Loop& loop_;
  State state_;  // Less what the members below know themselves.
  ipc::Channel channel_;
  ipc::Recorder recorder_;
  WorkerSockets worker_sockets_;
  std::unique_ptr<WorkerCgroup> cgroup_;
  ipc::UniqueFd exec_status_;
  std::vector<Detached> detached_;
  bool over_ = false;
  LogPipe stdout_;
  LogPipe stderr_;
  std::optional<ipc::uv::Poll> channel_poll_;
  std::optional<ipc::uv::Timer> line_timer_;
  std::optional<ipc::uv::Poll> exec_status_poll_;
};
REEVE_FIELDS(Process::Identity, worker, slot, generation)
REEVE_FIELDS(Process::State, identity, pid, group, cgroup, drained_at, watchdog_at, kill_sent,
             channel_fd, recorder_fd, exec_status_fd, program, directory, stop, exec_error,
             exec_code, status_text, steps, reason, cost, state, line_lost, has_notified, reports,
             last_lines, out, error, worker_sockets, leaving)

}  // namespace reeve::supervisor
