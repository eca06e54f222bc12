#include "supervisor/pool/canary_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace reeve::supervisor {
namespace {

/// Between two lines of figures.
constexpr Duration kLongestSilence = std::chrono::seconds(5);
constexpr Duration kShortestSilence = std::chrono::milliseconds(100);
constexpr int kLinesAWatch = 6;

}  // namespace

CanaryWatch::CanaryWatch(ipc::uv::Loop& loop, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)), timer_(loop, [this] { look(); }) {}

void CanaryWatch::begin(CommandId command, Generation canaries, Duration watch) {
  watched_ = Watched{.command = command,
                     .generation = canaries,
                     .every = std::clamp(watch / kLinesAWatch, kShortestSilence, kLongestSilence),
                     .begun_at = loop_.now(),
                     .ledger = {}};
  take_figures();
  timer_.arm(watched_->every);
}

bool CanaryWatch::watching() const {
  if (!watched_) return false;
  std::vector<Observed> canaries = callbacks_.look();
  std::erase_if(canaries,
                [this](const auto& one) { return one.generation != watched_->generation; });
  return !canaries.empty() && std::ranges::all_of(canaries, &Observed::serves);
}

void CanaryWatch::look() {
  if (!watching()) return;
  take_figures();
  const CanaryFigures figures = watched_->ledger.figures();
  const CanaryVerdict verdict = judge(figures, Moment::Midway);
  callbacks_.on_figures(fmt::format(
      "after {}: {}", short_duration(loop_.now() - watched_->begun_at), describe(figures)));
  if (verdict.good) {
    timer_.arm(watched_->every);
  } else {
    callbacks_.on_bad(watched_->command, verdict.text);
  }
}

void CanaryWatch::take_figures() {
  for (const Observed& worker : callbacks_.look()) {
    if (worker.serves) add(worker);
  }
}

void CanaryWatch::add(const Observed& worker) {
  const Side side = worker.generation == watched_->generation ? Side::Canary : Side::Old;
  watched_->ledger.observe(worker.worker, side, worker.reading);
}

void CanaryWatch::ended(const Observed& worker, bool crashed) {
  if (!watched_) return;
  add(worker);
  if (crashed) watched_->ledger.crashed(worker.worker);
}

std::optional<CanaryVerdict> CanaryWatch::end(CommandId command) {
  if (!watched_ || watched_->command != command) return std::nullopt;
  take_figures();
  CanaryVerdict verdict = judge(watched_->ledger.figures(), Moment::AtEnd);
  cancel();
  return verdict;
}

void CanaryWatch::cancel() {
  watched_.reset();
  timer_.disarm();
}

}  // namespace reeve::supervisor
