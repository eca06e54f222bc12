#include "supervisor/master/shutdown.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ipc/base/counted.hpp"
#include "supervisor/system/exit_code.hpp"

namespace reeve::supervisor {
namespace {

// Beyond the grace and its SIGKILL: only a process that is stuck in the kernel lasts longer.
constexpr Duration kAfterTheGrace = std::chrono::seconds(5);

// For those that were only killed when the limit was reached, after a stall for instance.
constexpr Duration kAfterTheLastKill = std::chrono::seconds(2);

// A worker cannot extend its drain for longer than this.
constexpr Duration kLongestExtension = std::chrono::hours(1);

// No person asks twice within this time, and no second request is meant to be told from the first.
constexpr Duration kSameRequest = std::chrono::milliseconds(20);

}  // namespace

Shutdown::Shutdown(ipc::uv::Loop& loop, Log& log, Pools& pools, PendingCommands& pending,
                   Callbacks callbacks)
    : loop_(loop),
      log_(log),
      pools_(pools),
      pending_(pending),
      delay_(std::move(callbacks.delay)),
      on_end_(std::move(callbacks.on_end)),
      delay_timer_(loop, [this] { begin_drain(); }),
      limit_(loop, [this] { on_limit(); }) {}

void Shutdown::request(const std::string& why) {
  if (!running_) return begin(why, delay_());
  if (loop_.now() - begun_at_ < kSameRequest) return;
  if (delay_timer_.armed()) {
    log_.info("{} again: the stop begins now", why);
    return begin_drain();
  }
  log_.warn("{} again: the grace ends now", why);
  request_now(why);
}

void Shutdown::request_now(const std::string& why) {
  if (!running_) begin(why, {});
  if (delay_timer_.armed()) begin_drain();
  stop_pools(true);
  pools_.end_grace();
}

void Shutdown::request(const std::string& why, PendingCommands::OnVerdicts on_end) {
  waiting_.push_back(std::move(on_end));
  if (!running_) begin(why, delay_());
}

/// What balances load goes by readiness, and needs time to hear of it: meanwhile all is served.
void Shutdown::begin(const std::string& why, Duration delay) {
  running_ = true;
  begun_at_ = loop_.now();
  killed_before_ = pools_.workers_killed();
  if (delay == Duration::zero() || pools_.quiet()) {
    log_.info("{}: stopping", why);
    return begin_drain();
  }
  log_.info("{}: stopping in {} (stop_delay), not ready from now on; the same again stops at once",
            why, short_duration(delay));
  for (const auto& pool : pools_.all()) pool->announce_stop();
  drain_at_ = begun_at_ + delay;
  delay_timer_.arm(delay);
}

std::optional<Duration> Shutdown::delayed_for() const {
  if (!delay_timer_.armed()) return std::nullopt;
  return std::max(Duration::zero(), drain_at_ - loop_.now());
}

void Shutdown::begin_drain() {
  delay_timer_.disarm();
  begun_at_ = loop_.now();
  for (const auto& rehearsal : pools_.rehearsals()) {
    rehearsal->stop(pending_.open(1, [](const Verdicts&) {}), {});
  }
  stop_pools(false);
}

void Shutdown::stop_pools(bool all) {
  std::vector<PoolRunner*> next;
  bool someone_stops = false;
  for (const auto& pool : pools_.all()) {
    if (stopped_.contains(pool->name())) {
      someone_stops = someone_stops || !pool->pool().quiet();
    } else if (all || !is_needed(*pool)) {
      next.push_back(pool.get());
    }
  }
  // No order leads on, though the configuration is checked for that: shutdown always ends.
  if (next.empty() && !someone_stops && stopped_.size() < pools_.all().size()) {
    return stop_pools(true);
  }
  // Each step of the order has its own grace.
  if (!next.empty() || !limit_.armed()) {
    const Duration longest = pools_.longest_grace() + kAfterTheGrace;
    limit_.arm(longest);
    last_limit_ = loop_.now() + longest + kLongestExtension;
    survivors_killed_ = false;
  }
  for (PoolRunner* pool : next) {
    stopped_.insert(pool->name());
    const CommandId command = pending_.open(1, [this](Verdicts verdicts) {
      verdicts_.insert(verdicts_.end(), verdicts.begin(), verdicts.end());
    });
    pool->stop(command, {});
  }
}

bool Shutdown::is_needed(const PoolRunner& pool) const {
  return std::ranges::any_of(pools_.all(), [&pool](const auto& other) {
    const auto& after = other->deployment().config.after;
    return !other->pool().quiet() && std::ranges::find(after, pool.name()) != after.end();
  });
}

void Shutdown::check() {
  if (!running_ || !on_end_ || delay_timer_.armed()) return;
  stop_pools(false);
  const bool all_told = std::ranges::all_of(
      pools_.all(), [this](const auto& pool) { return stopped_.contains(pool->name()); });
  if (all_told && pools_.quiet()) end(true);
}

void Shutdown::on_limit() {
  const TimePoint now = loop_.now();
  const TimePoint latest = pools_.latest_deadline().value_or(now);
  if (latest > now && now < last_limit_) {
    limit_.arm(std::min(latest, last_limit_) - now + kAfterTheGrace);
  } else if (!std::exchange(survivors_killed_, true)) {
    pools_.kill_survivors();
    limit_.arm(kAfterTheLastKill);
  } else {
    end(false);
  }
}

void Shutdown::end(bool clean) {
  if (!on_end_) return;
  const int killed = pools_.workers_killed() - killed_before_;
  if (!clean) log_.error("giving up on processes that cannot be reaped: {}", pools_.survivors());
  if (killed > 0) {
    log_.warn("stopped; {} had to be killed", ipc::counted(killed, "worker"));
  }
  if (clean && killed == 0) log_.info("stopped");
  verdicts_.push_back(clean ? success("", "shutdown") : refusal("", "shutdown"));
  for (const auto& answer : waiting_) answer(verdicts_);
  const int code = clean && killed == 0 ? exit_code::kClean : exit_code::kKilled;
  std::exchange(on_end_, nullptr)(exit_code_.value_or(code));
}

}  // namespace reeve::supervisor
