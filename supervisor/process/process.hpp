#pragma once
// The master's record of one worker process: its pid, its pipes, its line to the master, and what
// it last said. Decides nothing; tells its observer. Loop thread.

#include <sys/types.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/uv.hpp"
#include "ipc/channel.hpp"
#include "ipc/message.hpp"
#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/recorder.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/listen/worker_socket.hpp"
#include "supervisor/log/log.hpp"
#include "supervisor/log/log_pipe.hpp"
#include "supervisor/process/spawner.hpp"
#include "supervisor/process/worker_reports.hpp"
#include "supervisor/system/cgroup.hpp"
#include "supervisor/upgrade/handover.hpp"

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
};

class Process {
 public:
  struct Identity {
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

  Process(ipc::uv::Loop& loop, ProcessObserver& observer, Identity identity, MasterEnds ends,
          LaunchPlan plan, Spawned spawned);
  // process_handover.cpp: one that another master has started, and that goes on under this one.
  Process(ipc::uv::Loop& loop, ProcessObserver& observer, const ProcessHandover& handover,
          WorkerSockets worker_sockets, std::unique_ptr<WorkerCgroup> cgroup);
  /// All but its worker_sockets.
  [[nodiscard]] ProcessHandover hand_over() const;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] const Identity& identity() const { return identity_; }
  /// Nothing once it was reaped: the number may belong to another process.
  [[nodiscard]] std::optional<pid_t> pid() const { return pid_; }

  /// To the process alone: its own children are its own affair.
  void signal(int signal) const;
  /// Tells it to stop: TERM, once, and for a native worker the kind of drain. A second call may
  /// turn a patient drain into a prompt one; it sends no second TERM, which some programs take for
  /// "at once".
  void drain(ipc::DrainKind kind);
  /// When drain() was first called.
  [[nodiscard]] std::optional<TimePoint> drained_at() const { return drained_at_; }
  /// SIGKILL to its whole group, and to what has left that for a session of its own.
  void kill_group() const;
  /// What the kernel said of its death, and what the master knows beside that: a failed exec, who
  /// has killed it.
  [[nodiscard]] Death explain(Death death) const;

  /// It is a zombie: takes its last words, and kills what is left of its group. A child that
  /// outlived its worker would keep the pool's listeners and serve nobody's requests.
  void conclude();
  /// It is, or was, a zombie: what it says now are its last words.
  [[nodiscard]] bool is_over() const { return over_; }
  /// It was reaped: forgets the pid.
  void reaped() { pid_.reset(); }

  /// Takes a message that came to NOTIFY_SOCKET, where native workers say nothing: only the keys of
  /// sd_notify(3), what belongs to the channel is left out.
  void on_notification(const ipc::WorkerMessage& message);
  /// Sends it a message over the channel. Fails when that is full or closed.
  [[nodiscard]] ipc::Result<> tell(const ipc::MasterMessage& message) const;

  [[nodiscard]] const std::string& exec_error() const { return exec_error_; }
  [[nodiscard]] const std::string& status_text() const { return status_text_; }
  /// Of its lifespan; the newest is last, at most kLastSteps.
  [[nodiscard]] const std::deque<std::string>& steps() const { return steps_; }
  [[nodiscard]] std::string step() const { return steps_.empty() ? "" : steps_.back(); }
  [[nodiscard]] const std::string& reason() const { return reason_; }  ///< why it fails or stops
  [[nodiscard]] std::optional<ipc::WorkerState> state() const { return state_; }
  /// The newest is last; at most kLastLines.
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return last_lines_; }
  [[nodiscard]] const ipc::RecorderPage& recorder_page() const { return recorder_.page(); }
  [[nodiscard]] const ipc::BlackBox& black_box() const { return recorder_.black_box(); }
  /// What it has told of its inside, over the channel.
  [[nodiscard]] const WorkerReports::State& reports() const { return reports_.state(); }
  /// When it last sent WATCHDOG=1.
  [[nodiscard]] std::optional<TimePoint> watchdog_at() const { return watchdog_at_; }

  /// Its own listening sockets; empty when it shares those of the pool.
  [[nodiscard]] WorkerSockets& worker_sockets() { return worker_sockets_; }
  /// It has closed its channel, over which it had spoken, and lives on.
  [[nodiscard]] bool line_lost() const { return line_lost_; }
  [[nodiscard]] const WorkerSockets& worker_sockets() const { return worker_sockets_; }
  /// It speaks over the channel: it was written for this, and drains without losing anything.
  [[nodiscard]] bool is_native() const { return state_.has_value(); }

  static constexpr std::size_t kLastLines = 10;
  static constexpr std::size_t kLastSteps = 8;

 private:
  void kill_all_of_it() const;
  void watch();
  void on_exec_status();
  void read_channel(int most);
  void on_message(const ipc::WorkerMessage& message);
  void miss_the_line();
  void print(Stream stream, std::string_view line);

  ProcessObserver& observer_;
  ipc::uv::Loop& loop_;
  Identity identity_;
  LaunchPlan plan_;
  std::optional<pid_t> pid_;
  std::optional<TimePoint> drained_at_;
  std::optional<TimePoint> watchdog_at_;
  ipc::Channel channel_;
  ipc::Recorder recorder_;
  WorkerSockets worker_sockets_;
  std::unique_ptr<WorkerCgroup> cgroup_;
  mutable bool kill_sent_ = false;  // By us, while it lived: no news of its state, of ours only.
  ipc::UniqueFd exec_status_;
  std::string exec_error_;
  std::string status_text_;
  std::deque<std::string> steps_;
  std::string reason_;
  std::optional<ipc::WorkerState> state_;
  bool line_lost_ = false;
  bool over_ = false;
  WorkerReports reports_;
  std::deque<std::string> last_lines_;
  LogPipe stdout_;
  LogPipe stderr_;
  std::optional<ipc::uv::Poll> channel_poll_;
  std::optional<ipc::uv::Timer> line_timer_;
  std::optional<ipc::uv::Poll> exec_status_poll_;
};

}  // namespace reeve::supervisor
