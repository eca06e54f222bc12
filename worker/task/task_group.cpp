#include "reeve/task_group.hpp"

#include <fmt/format.h>

#include <utility>

#include "ipc/base/uv.hpp"
#include "worker/task/finally.hpp"
#include "worker/task/root.hpp"
#include "worker/task/text.hpp"

namespace reeve {

TimedOut::TimedOut(std::chrono::nanoseconds limit)
    : limit_(limit), what_(fmt::format("not done within {}", worker::describe(limit))) {}

namespace detail {

struct TaskGroup::Member final : worker::Root {
  Member(worker::Root& parent, TaskGroup& group, std::size_t index)
      : Root(parent, Branch{}), group_(group), index_(index) {}
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  [[nodiscard]] bool done() const override { return group_.branches_[index_].frame.done(); }
  void finish() override {
    ended_ = true;
    group_.on_end(index_);
  }

  TaskGroup& group_;
  std::size_t index_;
  bool ended_ = false;
};

TaskGroup::TaskGroup(Decides decides) : decides_(decides) {}
TaskGroup::~TaskGroup() = default;

void TaskGroup::start(worker::Context&) {
  members_ = std::make_unique<std::optional<Member>[]>(branches_.size());
  {
    const worker::Finally calm([this, before = std::exchange(busy_, true)] { busy_ = before; });
    for (std::size_t i = 0; i < branches_.size(); ++i) {
      if (cancelling_ || root().cancelled()) break;
      Member& member = members_[i].emplace(root(), *this, i);
      adopt(*branches_[i].promise, member);
      ++running_;
      member.resume(branches_[i].frame);
    }
  }
  wake_if_over();
}

void TaskGroup::on_end(std::size_t index) {
  --running_;
  if (retired_) return;
  const bool decides = decides_ == Decides::FirstEnd || branches_[index].promise->failed;
  if (decides && !decided_) {
    decided_ = index;
    cancel_all();
  }
  wake_if_over();
}

void TaskGroup::cancel_all() {
  if (std::exchange(cancelling_, true)) return;
  const worker::Finally calm([this, before = std::exchange(busy_, true)] { busy_ = before; });
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    if (members_[i] && !members_[i]->ended()) members_[i]->cancel();
  }
}

void TaskGroup::wake_if_over() {
  if (running_ == 0 && !busy_ && !retired_) wake();
}

bool TaskGroup::abandon() noexcept {
  cancel_all();
  return running_ == 0 && !busy_;
}

void TaskGroup::give_up() {
  cancel_all();
  wake_if_over();
}

struct Deadline::Alarm {
  ipc::uv::Timer timer;
};

Deadline::Deadline(std::chrono::nanoseconds limit) : TaskGroup(Decides::FirstEnd), limit_(limit) {}
Deadline::~Deadline() = default;

void Deadline::start(worker::Context& context) {
  alarm_.reset(new Alarm{ipc::uv::Timer(context.loop(), [this] {
    timed_out_ = true;
    give_up();
  })});
  alarm_->timer.arm_from_now(limit_);
  TaskGroup::start(context);
}

void Deadline::check_deadline(const std::exception_ptr& outcome) const {
  if (!timed_out_) return;
  try {
    std::rethrow_exception(outcome);
  } catch (const Cancelled&) {
    throw TimedOut(limit_);
  } catch (...) {
    return;  // The branch failed on its own, at the last moment or in its clean-up: that says more.
  }
}

}  // namespace detail
}  // namespace reeve
