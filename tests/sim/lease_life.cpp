#include "tests/sim/lease_life.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/sim/invariant_checker.hpp"

namespace reeve::supervisor::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kFenceBase = 1'000'000;

std::uint64_t as_number(WorkerId id) { return std::to_underlying(id); }

}  // namespace

LeaseLife::LeaseLife(RandomChoice random, const Pool& pool, const World& world, Trace& trace)
    : random_(random),
      pool_(pool),
      world_(world),
      trace_(trace),
      lease_(kFenceBase),
      none_(random_.percent(20)),
      liars_(random_.percent(40)),
      clock_(1'700'000'000'000ms),
      fence_(kFenceBase) {}

WallTime LeaseLife::wall(TimePoint now) const {
  return WallTime(clock_ +
                  std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()));
}

LeaseLife::WorkerView& LeaseLife::view_of(WorkerId id) {
  const auto [found, is_new] = views_.try_emplace(id);
  if (is_new) {
    found->second.has_schedule = random_.percent(85);
    found->second.lies = liars_ && random_.percent(30);
  }
  return found->second;
}

/// Whether the worker may do it, as far as it knows, and as far as it is there at all.
bool LeaseLife::may_run(WorkerId id) const {
  const auto found = views_.find(id);
  return found != views_.end() && found->second.told && !found->second.released && world_.lives(id);
}

void LeaseLife::settle(TimePoint now) {
  if (none_) return;
  mistrust_clock(now);
  while (const auto grant = lease_.settle(pool_)) {
    // The channel of a dead one is closed as a rule, though not yet when it is just dying.
    if (!world_.lives(grant->worker) && random_.percent(70)) {
      hold(grant->lease.fence > fence_, "fences grow");
      fence_ = grant->lease.fence;
      lease_.not_told(grant->worker);
      wanting_.erase(grant->worker);
      continue;
    }
    granted(*grant, now);
  }
  check_progress();
}

/// A clock that was days ahead blocks no name for longer than until it is right.
void LeaseLife::mistrust_clock(TimePoint now) {
  const bool was_wrong =
      std::erase_if(done_, [&](const auto& run) { return run.second > wall(now) + 24h; }) > 0;
  const std::string forgotten = lease_.mistrust_clock(wall(now));
  hold(!was_wrong || !forgotten.empty(), "what a wrong clock has left is found");
  hold(!lease_.state().since || *lease_.state().since <= wall(now),
       "nobody has wanted the lease in the future");
}

void LeaseLife::granted(const LeaseGrant& grant, TimePoint now) {
  trace_.add(now, [&] {
    return fmt::format("    lease {} to {}: {}", grant.lease.fence, as_number(grant.worker),
                       grant.why);
  });
  hold(grant.lease.fence > fence_, "fences grow");
  fence_ = grant.lease.fence;
  for (const auto& [id, view] : views_) {
    hold(!may_run(id), "nobody gets the lease while another one may run anything");
  }
  const Worker* worker = pool_.find(grant.worker);
  hold(worker != nullptr && worker->phase == WorkerPhase::Serving, "who holds the lease serves");
  hold(wanting_.erase(grant.worker) == 1, "who holds the lease has wanted it");
  const Slot& slot = pool_.slots().at(static_cast<std::size_t>(worker->slot));
  hold(slot.current == grant.worker, "a successor on trial does not hold the lease");
  WorkerView& view = view_of(grant.worker);
  view.told = true;
  // A worker that has given it back meanwhile heeds no grant; one that wants it again does.
  const bool has_released = std::ranges::any_of(sent_, [&grant](const Message& message) {
    return message.from == grant.worker && message.what == Said::Released;
  });
  if (!has_released) view.released = false;
}

/// A worker that serves while no roll runs is accepted, and so may have it.
void LeaseLife::check_progress() const {
  if (lease_.holder() || pool_.rolling()) return;
  for (const WorkerId id : wanting_) {
    const Worker* worker = pool_.find(id);
    hold(worker == nullptr || worker->phase != WorkerPhase::Serving,
         "the lease is granted at once when somebody may have it");
  }
}

void LeaseLife::turn(TimePoint now) {
  if (none_) return;
  if (random_.percent(1)) clock_ += random_.between(0, 7'200'000) * 1ms - 3'600'000ms;
  if (random_.percent(1) && random_.percent(20)) clock_ += 24h * (random_.between(0, 800) - 400);
  std::vector<WorkerId> everyone;
  for (const auto& [id, worker] : pool_.workers()) everyone.push_back(id);
  std::erase_if(views_, [this](const auto& entry) {
    return pool_.find(entry.first) == nullptr && !world_.lives(entry.first);
  });
  std::erase_if(wanting_, [this](WorkerId id) { return pool_.find(id) == nullptr; });
  for (const WorkerId id : everyone) {
    if (world_.lives(id) && random_.percent(70)) act(id, now);
  }
  // The order in which the master reads the channels of several workers is nobody's; of one it is
  // that of saying. A late word of a former worker is possible, too.
  const std::size_t some = random_.percent(80) ? sent_.size() : sent_.size() / 2;
  for (std::size_t i = 0; i < some; ++i) {
    const Message message = std::move(sent_.front());
    sent_.pop_front();
    deliver(message, now);
    settle(now);
  }
}

void LeaseLife::act(WorkerId id, TimePoint now) {
  WorkerView& view = view_of(id);
  if (!view.has_schedule || world_.is_stuck(id, now)) return;
  if (view.told && random_.percent(80)) view.heard = true;
  if (!view.stopping && world_.is_told(id)) view.stopping = true;
  if (view.lies && random_.percent(30)) return lie(id, now);
  if (!view.asked) {
    view.asked = true;
    return say(id, Said::Wanted);
  }
  if (view.stopping) {
    if (view.released) return;
    if (random_.percent(20)) return say(id, Said::Leaving);
    view.released = true;  // From here on it runs nothing; the master hears of it later.
    return say(id, Said::Released);
  }
  if (!view.heard || view.released) {
    if (random_.percent(5)) say(id, Said::Wanted);
    return;
  }
  say(id, Said::Claim, some_run(now));
}

/// What an honest one never says. A liar that says it has stopped may be believed: it is trusted
/// with its own runs, not with those of others.
void LeaseLife::lie(WorkerId id, TimePoint now) {
  switch (random_.between(0, 4)) {
    case 0:
      return say(id, Said::Claim, some_run(now));
    case 1:
      return say(id, Said::Claim, {"run 0", wall(now) + 1h * random_.between(0, 48)});
    case 2:
      return say(id, Said::Claim, {fmt::format("fake {}", random_.next() % 90), wall(now)});
    case 3:
      views_.at(id).released = true;
      return say(id, Said::Released);
    default:
      return say(id, Said::Wanted);
  }
}

ipc::DueRun LeaseLife::some_run(TimePoint now) {
  const auto second = std::chrono::floor<std::chrono::seconds>(wall(now));
  return {fmt::format("run {}", random_.between(0, 3)),
          second - std::chrono::seconds(random_.percent(20) ? random_.between(0, 5) : 0)};
}

void LeaseLife::say(WorkerId from, Said what, ipc::DueRun run) {
  sent_.push_back({from, what, std::move(run)});
}

void LeaseLife::deliver(const Message& message, TimePoint now) {
  const WorkerId from = message.from;
  mistrust_clock(now);
  // The shell knows no former worker; but the core must not mind one either.
  if (pool_.find(from) == nullptr && random_.percent(50)) return;
  switch (message.what) {
    case Said::Wanted:
      lease_.wanted(from, wall(now));
      if (lease_.holder() != from && pool_.find(from) != nullptr) wanting_.insert(from);
      return;
    case Said::Released: {
      const bool held = lease_.holder() == from;
      hold(lease_.released(from) == held, "only the holder releases the lease");
      wanting_.erase(from);
      return;
    }
    case Said::Leaving:
      lease_.leaving(from);
      wanting_.erase(from);
      return;
    case Said::Claim:
      return claimed(message, now);
  }
}

void LeaseLife::claimed(const Message& message, TimePoint now) {
  const bool held = lease_.holder() == message.from;
  const ClaimVerdict verdict = lease_.claim(message.from, message.run, wall(now));
  hold(held || verdict == ClaimVerdict::NotHolder, "only the holder's claims are granted");
  const auto done = done_.find(message.run.name);
  const bool is_new = done == done_.end() || message.run.due > done->second;
  const bool is_near = message.run.due <= wall(now) + 24h;
  if (verdict != ClaimVerdict::Granted) {
    hold(!held || !is_new || !is_near || liars_,
         "a run that nobody has done yet is granted to the holder");
    return;
  }
  hold(is_new, "no run is granted twice, and none before another one");
  hold(is_near, "no run of the far future is granted");
  done_[message.run.name] = message.run.due;
}

void LeaseLife::hand_over() {
  std::vector<Worker> workers;
  for (const auto& [id, worker] : pool_.workers()) workers.push_back(worker);
  const std::string broken = broken_rule(lease_.state(), workers);
  if (!broken.empty()) throw Broken(fmt::format("the lease can be handed over: {}", broken));
  const LeaseState before = lease_.state();
  lease_ = PoolLease(before);
  hold(lease_.state() == before, "a lease that is handed over stays as it is");
}

void LeaseLife::come_right(TimePoint now) {
  if (none_) return;
  for (auto& [id, view] : views_) view.lies = false;
  for (int i = 0; i < 20; ++i) turn(now);
  while (!sent_.empty()) turn(now);
  const bool anybody = std::ranges::any_of(views_, [this](const auto& entry) {
    const auto& [id, view] = entry;
    const Worker* worker = pool_.find(id);
    return view.asked && !view.stopping && !view.released && world_.lives(id) &&
           worker != nullptr && worker->phase == WorkerPhase::Serving && !pool_.on_trial(*worker);
  });
  hold(!anybody || lease_.holder(), "in a good world somebody does what is scheduled");
}

}  // namespace reeve::supervisor::sim
