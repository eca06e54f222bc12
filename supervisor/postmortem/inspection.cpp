#include "supervisor/postmortem/inspection.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

namespace reeve::supervisor {
namespace {

constexpr Duration kStep = std::chrono::milliseconds(25);

/// To its first thread, which asks the others.
bool ask_for_stacks(pid_t pid) { return ::syscall(SYS_tgkill, pid, pid, ipc::stack_signal()) == 0; }

}  // namespace

Inspection::Inspection(ipc::uv::Loop& loop, InspectedWorker worker, std::function<void()> on_done)
    : worker_(worker),
      on_done_(std::move(on_done)),
      began_(ipc::Clock::now()),
      first_(read_proc(worker.pid)),
      timer_(loop, [this] { proceed(); }) {
  timer_.arm(kBetween);
}

void Inspection::proceed() {
  const Duration spent = ipc::Clock::now() - began_;
  if (!second_) {
    second_ = read_proc(worker_.pid);
    between_ = spent;
    // Only now: writing stacks is work, too, and would be taken for what it was doing. To a program
    // that does not handle the signal it would be deadly.
    const bool can_answer = worker_.native && ipc::answers(worker_.box) && !stopped();
    asked_ = second_ && can_answer && ask_for_stacks(worker_.pid);
  }
  if (asked_ && !ipc::dumped(worker_.box) && spent + kStep <= kLongest) {
    timer_.arm(kStep);
    return;
  }
  const auto on_done = std::move(on_done_);
  on_done();
}

Findings Inspection::findings() const {
  if (!first_) return {};
  return supervisor::findings({*first_, second_ ? *second_ : *first_, between_},
                              ipc::read(worker_.box), worker_.native);
}

bool Inspection::stopped() const { return first_ && is_stopped(second_ ? *second_ : *first_); }

}  // namespace reeve::supervisor
