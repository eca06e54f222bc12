#include "worker/diagnosis/starvation.hpp"

#include <algorithm>

namespace reeve::worker {
namespace {

const Activity& the_runtime() {
  static const Activity kItself{.kind = ActivityKind::Other, .name = "the runtime itself"};
  return kItself;
}

}  // namespace

std::vector<Starvation::Finding> Starvation::on(const Look& look) {
  std::vector<Finding> findings;
  if (limit_ <= ipc::Duration::zero()) return findings;
  const bool is_late = last_look_ != ipc::TimePoint{} && look.now - last_look_ >= kGap;
  seen_twice_ = stretch_ && is_same(*stretch_, look);
  if (seen_twice_) {
    stretch_->last_seen = look.now;
    // Not yet told of: it may have been stopped for all the time that this was.
    if (is_late && stretch_->remind_at == ipc::Duration::zero()) stretch_->began = look.now;
  } else {
    if (stretch_ && stretch_->remind_at != ipc::Duration::zero()) {
      findings.push_back({Kind::Ended, stretch_->activity, stretch_->last_seen - stretch_->began});
    }
    const bool is_busy = look.progress.busy || look.loop_activity;
    stretch_ = is_busy ? std::optional(begin(look)) : std::nullopt;
    if (stretch_ && is_late) stretch_->began = look.now;
  }
  last_look_ = look.now;
  if (stretch_) judge(findings);
  return findings;
}

Starvation::Stretch Starvation::begin(const Look& look) const {
  Stretch stretch{.step = look.progress.step,
                  .scope = look.loop_activity ? look.loop_activity->scope : 0,
                  .activity = look.loop_activity ? look.loop_activity->activity : the_runtime(),
                  .began = look.now,
                  .last_seen = look.now};
  if (!look.loop_activity) return stretch;
  stretch.began = std::min(look.loop_activity->since, look.now);
  // A task that has started another goes on where that one has ended: their time is not its own.
  const bool goes_on = stretch_ && stretch_->step == stretch.step;
  if (goes_on) stretch.began = std::max(stretch.began, stretch_->last_seen);
  return stretch;
}

bool Starvation::is_same(const Stretch& stretch, const Look& look) {
  const std::uint64_t scope = look.loop_activity ? look.loop_activity->scope : 0;
  // A scope has a number of its own. Without one, only a callback that goes on is the same.
  if (scope != 0) return stretch.scope == scope;
  return stretch.scope == 0 && look.progress.busy && stretch.step == look.progress.step;
}

void Starvation::judge(std::vector<Finding>& findings) {
  const ipc::Duration lasted = stretch_->last_seen - stretch_->began;
  if (stretch_->remind_at == ipc::Duration::zero()) {
    if (lasted < limit_) return;
    stretch_->remind_at = std::max(kRemindAfter, 2 * limit_);
    findings.push_back({Kind::Began, stretch_->activity, lasted});
  } else if (lasted >= stretch_->remind_at) {
    stretch_->remind_at *= 2;
    findings.push_back({Kind::Lasts, stretch_->activity, lasted});
  }
}

std::optional<ipc::Duration> Starvation::suspected() const {
  if (!stretch_ || !seen_twice_) return std::nullopt;
  return stretch_->last_seen - stretch_->began;
}

std::optional<ipc::Duration> Starvation::lasts() const {
  if (!stretch_ || stretch_->remind_at == ipc::Duration::zero()) return std::nullopt;
  return stretch_->last_seen - stretch_->began;
}

}  // namespace reeve::worker
