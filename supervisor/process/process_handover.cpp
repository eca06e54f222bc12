// A process that lives on while its master is replaced.
#include <utility>

#include "supervisor/process/process.hpp"

namespace reeve::supervisor {
namespace {

LaunchPlan plan_of(const ProcessHandover& handover) {
  LaunchPlan plan;
  plan.program = handover.program;
  plan.directory = handover.directory;
  return plan;
}

}  // namespace

Process::Process(ipc::uv::Loop& loop, ProcessObserver& observer, const ProcessHandover& handover,
                 WorkerSockets worker_sockets, std::unique_ptr<WorkerCgroup> cgroup)
    : observer_(observer),
      loop_(loop),
      identity_{handover.worker, handover.slot, handover.generation},
      plan_(plan_of(handover)),
      pid_(handover.pid),
      drained_at_(handover.drained_at),
      watchdog_at_(handover.watchdog_at),
      channel_(ipc::UniqueFd(handover.channel_fd)),
      recorder_(ipc::Recorder::adopt(ipc::UniqueFd(handover.recorder_fd))),
      worker_sockets_(std::move(worker_sockets)),
      cgroup_(std::move(cgroup)),
      kill_sent_(handover.kill_sent),
      exec_status_(handover.exec_status_fd),
      exec_error_(handover.exec_error),
      status_text_(handover.status_text),
      steps_(handover.steps.begin(), handover.steps.end()),
      reason_(handover.reason),
      state_(handover.state),
      line_lost_(handover.line_lost),
      reports_(handover.reports),
      last_lines_(handover.last_lines.begin(), handover.last_lines.end()),
      stdout_(loop, handover.out, [this](std::string_view line) { print(Stream::Stdout, line); }),
      stderr_(loop, handover.error,
              [this](std::string_view line) { print(Stream::Stderr, line); }) {
  watch();
}

ProcessHandover Process::hand_over() const {
  ProcessHandover handover{
      .worker = identity_.worker, .slot = identity_.slot, .generation = identity_.generation};
  handover.pid = pid_.value_or(0);
  handover.drained_at = drained_at_;
  handover.watchdog_at = watchdog_at_;
  handover.kill_sent = kill_sent_;
  handover.channel_fd = channel_.fd();
  handover.recorder_fd = recorder_.fd();
  handover.exec_status_fd = exec_status_.get();
  handover.program = plan_.program;
  handover.directory = plan_.directory;
  handover.exec_error = exec_error_;
  handover.status_text = status_text_;
  handover.steps = {steps_.begin(), steps_.end()};
  handover.reason = reason_;
  handover.state = state_;
  handover.line_lost = line_lost_;
  handover.reports = reports_.state();
  handover.last_lines = {last_lines_.begin(), last_lines_.end()};
  handover.out = stdout_.hand_over();
  handover.error = stderr_.hand_over();
  return handover;
}

}  // namespace reeve::supervisor
