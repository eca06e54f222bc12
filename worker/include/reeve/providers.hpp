#pragma once
// Provider: one need, several ways to meet it, of which the first that works is taken.
//
//   app.provider<Completions>("completions", {.retry = 30s})
//       .candidate("openai", [] { return std::make_unique<OpenAi>(key); },
//                  [](Completions& it) -> reeve::Task<> { co_await it.ping(); }, 2s)
//       .candidate("local", [] { return std::make_unique<LocalModel>(); });
//   ...
//   auto completions = request.state<reeve::Provider<Completions>>().get();
//
// The choice is made in phase 3 and kept; while it is not the first candidate, the better ones are
// tried again in the background. `reevectl status --lifespan` and /health show it: "choice: local
// (openai: not done within 2 s)". It refuses to balance or to call: a failure within a request is
// the request's to handle; it may tell the provider with report_failure().

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reeve/lifespan.hpp"
#include "reeve/share.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// The options of App::provider(), for one need.
struct ProviderOptions {
  /// How long after an attempt the better candidates are tried again. While no candidate works it
  /// begins with a second, and doubles up to this.
  std::chrono::milliseconds retry{30'000};
  Need need = Need::Required;  ///< whether the worker starts while no candidate works
};

namespace detail {

/// Each candidate has its own limit; this one is a backstop that should never be reached.
inline constexpr std::chrono::minutes kProviderOpensWithin{10};

struct Candidate {
  std::string name;
  /// Opens it and tries it. Failure: an exception.
  std::function<Task<std::shared_ptr<void>>(State&)> make;
  std::chrono::milliseconds within;
};

struct ProviderPlan {
  std::string name;
  ProviderOptions options;
  std::vector<Candidate> candidates;
};

/// What a Provider is without its type. In providers.cpp.
class ProviderRun;

/// Chooses, and goes on trying while there is a better one. `note` gets the choice, now and
/// whenever it changes. Throws when no candidate works, with the reason of each.
[[nodiscard]] Task<std::shared_ptr<ProviderRun>> open_provider(
    std::shared_ptr<const ProviderPlan> plan, State& state, std::function<void(std::string)> note);
/// No attempt begins any more, and one that runs is cancelled.
void close_provider(ProviderRun& run);
template <class T>
Task<T> open_as(std::shared_ptr<const ProviderPlan> plan, State& state,
                std::function<void(std::string)> note) {
  co_return T(co_await open_provider(std::move(plan), state, std::move(note)));
}
/// A run without candidates, whose choice is `value`.
[[nodiscard]] std::shared_ptr<ProviderRun> fixed_provider(std::shared_ptr<void> value);

[[nodiscard]] std::shared_ptr<void> current(const ProviderRun& run);
[[nodiscard]] std::string choice(const ProviderRun& run);
[[nodiscard]] std::string trouble(const ProviderRun& run);
void report_failure(ProviderRun& run, std::string_view why);

template <class T, class Open, class Trial>
Task<std::shared_ptr<void>> make_candidate(Open& open, Trial& trial, State& state) {
  auto call = [&]() -> decltype(auto) {
    if constexpr (std::invocable<Open&, State&>) {
      return open(state);
    } else {
      return open();
    }
  };
  std::shared_ptr<T> value = share<T>(co_await run_where_it_belongs(call));
  auto ask = [&trial, &value]() -> decltype(auto) { return trial(*value); };
  co_await run_where_it_belongs(ask);
  co_return std::shared_ptr<void>(std::move(value));
}

}  // namespace detail

/// The choice, in the process scope. Any thread.
template <class T>
class Provider {
 public:
  /// For the runtime: App::provider() makes it.
  explicit Provider(std::shared_ptr<detail::ProviderRun> run) : run_(std::move(run)) {}
  /// A provider of `value` for ever: for tests.
  explicit Provider(std::shared_ptr<T> value) : run_(detail::fixed_provider(std::move(value))) {}

  /// The value that is chosen now; never null. It stays usable for as long as it is held, also when
  /// the choice changes meanwhile; it is destroyed by whoever held it last, on that one's thread.
  [[nodiscard]] std::shared_ptr<T> get() const {
    return std::static_pointer_cast<T>(detail::current(*run_));
  }

  /// "choice: local (openai: not done within 2 s)".
  [[nodiscard]] std::string choice() const { return detail::choice(*run_); }

  /// Why nothing works at the moment, of each candidate; empty when the choice does.
  [[nodiscard]] std::string trouble() const { return detail::trouble(*run_); }

  /// The choice has failed in a way that another would not: choose again now, without it unless
  /// nothing else works. Until then get() returns it still. What comes while a choice is being made
  /// is about an older one, and is ignored.
  void report_failure(std::string_view why) { detail::report_failure(*run_, why); }

  /// For the runtime.
  void close() { detail::close_provider(*run_); }

 private:
  std::shared_ptr<detail::ProviderRun> run_;
};

/// Takes the candidates of one provider, the best one first. Before App::run(), on the main thread.
template <class T>
class ProviderBuilder {
 public:
  /// For App::provider().
  explicit ProviderBuilder(std::shared_ptr<detail::ProviderPlan> plan) : plan_(std::move(plan)) {}

  /// `open` is called with the State or with nothing, and returns a T or what derives from it, by
  /// value, as unique_ptr or as shared_ptr, or a Task of one. `trial`, a quick call that shows
  /// whether it works, gets it as T&, and returns nothing or a Task<>. Their exceptions are
  /// failures. Both together may take as long as `within`: then a coroutine is cancelled, and a
  /// blocking function left behind. Both are called again for each attempt.
  template <class Open, class Trial>
    requires std::invocable<Trial&, T&>
  ProviderBuilder& candidate(std::string name, Open open, Trial trial,
                             std::chrono::milliseconds within = std::chrono::seconds(2)) {
    plan_->candidates.push_back(
        {.name = std::move(name),
         .make =
             [open = std::move(open), trial = std::move(trial)](State& state) mutable {
               return detail::make_candidate<T>(open, trial, state);
             },
         .within = within});
    return *this;
  }
  /// A candidate that works when it opens.
  template <class Open>
  ProviderBuilder& candidate(std::string name, Open open,
                             std::chrono::milliseconds within = std::chrono::seconds(2)) {
    const auto no_trial = [](T&) -> Task<> { co_return; };
    return candidate(std::move(name), std::move(open), no_trial, within);
  }

 private:
  std::shared_ptr<detail::ProviderPlan> plan_;
};

namespace detail {

template <class T>
Task<> check_provider(Provider<T>& provider) {
  if (const std::string trouble = provider.trouble(); !trouble.empty()) {
    throw std::runtime_error(trouble);
  }
  co_return;
}

/// The provider as a resource of phase 3, whose check is that its choice works.
template <class T>
void add_provider(Lifespan& lifespan, const std::shared_ptr<const ProviderPlan>& plan) {
  const ResourceOptions options{
      .phase = Phase::Providers, .need = plan->options.need, .open_within = kProviderOpensWithin};
  lifespan.resource<Provider<T>>(
      plan->name,
      [plan](Scope& scope) {
        const auto note = [&scope](std::string choice) { scope.note(std::move(choice)); };
        return open_as<Provider<T>>(plan, scope.state(), note);
      },
      [](Provider<T>& provider) -> Task<> {
        provider.close();
        co_return;
      },
      options);
  lifespan.check<Provider<T>>(plan->name,
                              [](Provider<T>& provider) { return check_provider(provider); });
}

}  // namespace detail
}  // namespace reeve
