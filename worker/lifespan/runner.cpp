#include "worker/lifespan/runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "worker/lifespan/within.hpp"

namespace reeve::worker {
namespace {

constexpr Phase kPhases[] = {Phase::Environment, Phase::Connections, Phase::Providers,
                             Phase::Scheduler, Phase::Listening};

/// Some operations take long between two turns of the loop, so the loop's own time would be too
/// old.
ipc::TimePoint now() { return ipc::Clock::now(); }

/// A task, so that what it throws is a failure like any other.
Task<> put(const Override& replacement, State& state) {
  replacement.put(state);
  co_return;
}

}  // namespace

LifespanRunner::LifespanRunner(Context& context, const Lifespan& lifespan, State& state,
                               Observer observer, OwnPart own_part, const Overrides* overrides)
    : context_(context),
      lifespan_(lifespan),
      state_(state),
      observer_(std::move(observer)),
      own_part_(std::move(own_part)),
      overrides_(overrides) {}

Task<std::expected<void, StartFailure>> LifespanRunner::open() {
  for (const Phase phase : kPhases) {
    const ipc::TimePoint began = now();
    observer_(PhaseBegan{phase});

    std::expected<std::string, StartFailure> own = own_part_(phase);
    if (!own) {
      own.error().reason = fmt::format("{}: {}", step_name(phase), own.error().reason);
      co_return std::unexpected(std::move(own.error()));
    }
    const std::expected<std::size_t, StartFailure> opened = co_await open_resources(phase);
    if (!opened) co_return std::unexpected(opened.error());

    std::string detail = *opened > 0 ? fmt::format("{} open", *opened) : std::move(*own);
    observer_(PhaseEnded{phase, std::move(detail), now() - began});
  }
  co_return std::expected<void, StartFailure>();
}

Task<std::expected<std::size_t, StartFailure>> LifespanRunner::open_resources(Phase phase) {
  std::size_t opened = 0;
  for (const Resource& resource : lifespan_.resources()) {
    if (resource.options.phase != phase) continue;
    const ipc::TimePoint began = now();
    observer_(Opening{resource});
    Task<> opening = open_or_replace(resource);
    auto result = co_await Within(std::move(opening), resource.options.open_within);
    if (result) {
      open_.push_back(&resource);
      ++opened;
      observer_(Opened{resource, now() - began});
      continue;
    }
    const OpenFailed failed{resource, std::move(result.error().reason)};
    observer_(failed);
    if (resource.options.need == Need::Required) {
      co_return std::unexpected(StartFailure{result.error().code, describe(failed)});
    }
  }
  co_return opened;
}

Task<> LifespanRunner::open_or_replace(const Resource& resource) {
  const Override* const replaced = replacement(resource);
  return replaced != nullptr ? put(*replaced, state_) : resource.open(state_);
}

const Override* LifespanRunner::replacement(const Resource& resource) const {
  return overrides_ != nullptr ? overrides_->find(resource.type) : nullptr;
}

Task<> LifespanRunner::close(ipc::TimePoint deadline) {
  while (!open_.empty()) {
    const Resource& resource = *open_.back();
    open_.pop_back();
    co_await close_resource(resource, deadline);
  }
}

Task<> LifespanRunner::close_resource(const Resource& resource, ipc::TimePoint deadline) {
  const ipc::TimePoint began = now();
  observer_(Closing{resource});
  std::expected<void, StartFailure> result;
  if (resource.close && replacement(resource) == nullptr) {
    const ipc::Duration left = std::max<ipc::Duration>(deadline - began, kLeastCloseTime);
    result = co_await Within(resource.close(state_),
                             std::min<ipc::Duration>(left, resource.options.close_within));
  }
  if (context_.threads().running() == 0) resource.drop(state_);
  if (result) {
    observer_(Closed{resource, now() - began});
  } else {
    observer_(CloseFailed{resource, std::move(result.error().reason)});
  }
}

}  // namespace reeve::worker
