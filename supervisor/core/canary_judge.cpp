#include "supervisor/core/canary_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>

#include "ipc/base/counted.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::uint64_t kFewestErrors = 5;
constexpr double kTolerance = 0.01;
/// Standard deviations between two error rates that are no chance: one in fifty.
constexpr double kSignificance = 2.05;

constexpr std::uint64_t kFewestForLatency = 50;
constexpr Duration kLatencyTolerance = std::chrono::milliseconds(10);

constexpr std::uint64_t kStormErrors = 20;
constexpr double kStormTolerance = 0.25;

double per_request(std::uint64_t errors, std::uint64_t requests) {
  return requests == 0 ? 0.0 : static_cast<double>(errors) / static_cast<double>(requests);
}

/// The test of two proportions. With no requests at the old ones there is nothing to compare with:
/// then errors are as bad as they look.
bool is_no_chance(const SideFigures& canary, const SideFigures& old) {
  if (canary.requests == 0) return false;
  if (old.requests == 0) return true;
  const auto canary_count = static_cast<double>(canary.requests);
  const auto old_count = static_cast<double>(old.requests);
  const double pooled =
      static_cast<double>(canary.errors + old.errors) / (canary_count + old_count);
  const double deviation = std::sqrt(pooled * (1 - pooled) * (1 / canary_count + 1 / old_count));
  return canary.error_rate() - old.error_rate() > kSignificance * deviation;
}

bool fails_more(const CanaryFigures& figures, std::uint64_t fewest, double tolerance) {
  return figures.canary.errors >= fewest &&
         figures.canary.error_rate() > figures.old.error_rate() + tolerance &&
         is_no_chance(figures.canary, figures.old);
}

bool is_slower(const CanaryFigures& figures) {
  const ipc::Latencies& canary = figures.canary.latencies;
  const ipc::Latencies& old = figures.old.latencies;
  if (canary.total() < kFewestForLatency || old.total() < kFewestForLatency) return false;
  return canary.quantile(0.99) > 2 * old.quantile(0.99) + kLatencyTolerance;
}

bool tells_nothing(const SideFigures& side) { return side.silent == side.workers; }

std::string describe_crashes(int crashes) {
  return crashes == 0 ? "no crash" : fmt::format("{} crash{}", crashes, crashes == 1 ? "" : "es");
}

std::string describe(const SideFigures& side) {
  std::string crashes = describe_crashes(side.crashes);
  if (tells_nothing(side)) return crashes;
  if (side.requests == 0) return fmt::format("no request, {}", crashes);
  return fmt::format("{}, {} ({:.1f} %), p99 {}, {}", ipc::counted(side.requests, "request"),
                     ipc::counted(side.errors, "error"), 100 * side.error_rate(),
                     short_duration(side.latencies.quantile(0.99)), crashes);
}

CanaryVerdict bad(std::string_view why, const CanaryFigures& figures) {
  return {.good = false, .text = fmt::format("{}: {}", why, describe(figures))};
}

CanaryVerdict good(const CanaryFigures& figures) {
  const std::string seen = describe(figures);
  if (tells_nothing(figures.canary)) {
    return {.good = true,
            .text = fmt::format("the canary did not crash; nothing more is known, since a program "
                                "without reeve::worker keeps no figures: {}",
                                seen)};
  }
  if (figures.canary.requests == 0) {
    return {
        .good = true,
        .text = fmt::format("the canary got no request, so nothing counts against it: {}", seen)};
  }
  return {.good = true, .text = fmt::format("canary is as good as the old ones: {}", seen)};
}

}  // namespace

double SideFigures::error_rate() const { return per_request(errors, requests); }

CanaryVerdict judge(const CanaryFigures& figures, Moment moment) {
  if (figures.canary.crashes > 0) return bad("the canary crashed", figures);
  switch (moment) {
    case Moment::Midway:
      if (fails_more(figures, kStormErrors, kStormTolerance)) {
        return bad("the canary answers with errors", figures);
      }
      return {};
    case Moment::AtEnd:
      if (fails_more(figures, kFewestErrors, kTolerance)) {
        return bad("the canary fails more often than the old ones", figures);
      }
      if (is_slower(figures)) return bad("the canary is slower than the old ones", figures);
      return good(figures);
  }
  return {};
}

std::string describe(const CanaryFigures& figures) {
  return fmt::format("canary {}; old ones {}", describe(figures.canary), describe(figures.old));
}

void CanaryLedger::observe(WorkerId worker, Side side,
                           const std::optional<ipc::RecorderReading>& reading) {
  const auto [entry, is_new] = accounts_.try_emplace(worker, Account{.side = side});
  Account& account = entry->second;
  if (!reading) return;
  account.last = {reading->requests, reading->errors, reading->latencies};
  if (is_new || account.silent) account.first = account.last;
  account.silent = false;
}

void CanaryLedger::crashed(WorkerId worker) {
  const auto found = accounts_.find(worker);
  if (found != accounts_.end()) found->second.crashed = true;
}

CanaryFigures CanaryLedger::figures() const {
  // A count that went back is a lie of the worker, and no reason to wrap around.
  const auto since = [](std::uint64_t first, std::uint64_t last) {
    return last > first ? last - first : 0;
  };
  CanaryFigures figures;
  for (const auto& [id, account] : accounts_) {
    SideFigures& side = account.side == Side::Canary ? figures.canary : figures.old;
    ++side.workers;
    side.silent += account.silent ? 1 : 0;
    side.crashes += account.crashed ? 1 : 0;
    const std::uint64_t requests = since(account.first.requests, account.last.requests);
    side.requests += requests;
    // More errors than requests are a lie, too, and no rate.
    side.errors += std::min(requests, since(account.first.errors, account.last.errors));
    side.latencies += account.last.latencies.since(account.first.latencies);
  }
  return figures;
}

}  // namespace reeve::supervisor
