#include "worker/lifespan/runner.hpp"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <utility>

#include "reeve/config_error.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

constexpr Phase kPhases[] = {Phase::Environment, Phase::Connections, Phase::Providers,
                             Phase::Scheduler, Phase::Listening};

/// Some operations take long between two turns of the loop, so the loop's own time would be too
/// old.
ipc::TimePoint now() { return ipc::Clock::now(); }

/// A ConfigError is the operator's mistake; any other exception is the resource's.
ipc::WorkerExit code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const OpenError& open) {  // From a resource that it has opened in its turn.
    return open.cause() ? code_of(open.cause()) : ipc::WorkerExit::TimedOut;
  } catch (const ConfigError&) {
    return ipc::WorkerExit::BadConfiguration;
  } catch (...) {
    return ipc::WorkerExit::ResourceFailed;
  }
}

/// A resource speaks for itself; anything else that a lifespan function throws is told by its
/// phase.
StartFailure failure_of_start(const std::exception_ptr& error, Phase phase) {
  StartFailure failure{.code = code_of(error), .reason = describe(error)};
  if (is_a<OpenError>(error)) return failure;
  failure.reason = fmt::format("{}: {}", step_name(phase), failure.reason);
  if (failure.code == ipc::WorkerExit::ResourceFailed) {
    failure.code = ipc::WorkerExit::InternalError;
  }
  return failure;
}

}  // namespace

LifespanRunner::LifespanRunner(Context& context, const Lifespan& lifespan, State& state,
                               Observer observer, OwnPart own_part, const Overrides* overrides,
                               const Patience& patience)
    : lifespan_(lifespan),
      observer_(std::move(observer)),
      own_part_(std::move(own_part)),
      keeper_(
          context, state, [this](const LifespanEvent& event) { observer_(event); }, overrides,
          patience) {}

Task<std::expected<void, StartFailure>> LifespanRunner::open() {
  for (const Phase phase : kPhases) {
    const ipc::TimePoint began = now();
    observer_(PhaseBegan{phase});

    std::expected<std::string, StartFailure> own = own_part_(phase);
    if (!own) {
      own.error().reason = fmt::format("{}: {}", step_name(phase), own.error().reason);
      co_return std::unexpected(std::move(own.error()));
    }
    const std::expected<void, StartFailure> opened = co_await open_parts(phase);
    if (!opened) co_return std::unexpected(opened.error());

    std::string what = describe_resources(phase);
    if (what.empty()) what = std::move(*own);
    observer_(PhaseEnded{phase, std::move(what), now() - began});
  }
  co_return std::expected<void, StartFailure>();
}

Task<std::expected<void, StartFailure>> LifespanRunner::open_parts(Phase phase) {
  Scope& scope = *scopes_.emplace_back(keeper_.make_scope(phase));
  for (const Lifespan::Part& part : lifespan_.parts()) {
    if (part.phase != phase) continue;
    std::optional<StartFailure> failure;
    try {
      if (part.function) {
        co_await part.function(scope);
      } else {
        co_await keeper_.open(scope, part.resource);
      }
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      failure = failure_of_start(std::current_exception(), phase);
    }
    if (failure) co_return std::unexpected(std::move(*failure));
  }
  co_return std::expected<void, StartFailure>();
}

std::string LifespanRunner::describe_resources(Phase phase) const {
  std::size_t open = 0;
  std::size_t down = 0;
  for (const auto& node : keeper_.nodes()) {
    if (node->about.phase == phase) ++(node->state == NodeState::Open ? open : down);
  }
  if (open + down == 0) return {};
  return down == 0 ? fmt::format("{} open", open) : fmt::format("{} open, {} down", open, down);
}

}  // namespace reeve::worker
