#pragma once
// App: a native worker in a few lines. Collects routes, resources and settings; run() lives the
// life of the process: starts, serves, drains, closes. Main thread only; one App a process.
//
//   int main(int argc, char** argv) {
//     reeve::App app;
//     app.resource<Database>("database", [] { return std::make_unique<Database>(); });
//     app.get("/users/{id}", [](const reeve::Request& request, Database& database) {
//       return reeve::Response::text(database.name_of(request.parameter("id")));
//     });
//     return app.run(argc, argv);
//   }

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "reeve/background.hpp"
#include "reeve/environment.hpp"
#include "reeve/fork_safety.hpp"
#include "reeve/http_limits.hpp"
#include "reeve/lifespan.hpp"
#include "reeve/provide.hpp"
#include "reeve/providers.hpp"
#include "reeve/router.hpp"
#include "reeve/scheduled_job.hpp"
#include "reeve/thread_limits.hpp"
#include "reeve/watch_limits.hpp"

namespace reeve {

/// A service: what it opens, answers and runs on a schedule, and its settings. Filled on the main
/// thread; unchanged once it runs, by run() or in a TestClient.
class App : public detail::RouteMethods<App> {
 public:
  /// What run() returns. Stable, and those of sysexits.h where it has one. The log and `reevectl
  /// why` explain each.
  enum ExitCode : int {
    Stopped = 0,            ///< it served, drained and closed
    BadUsage = 2,           ///< the command line, or nothing to listen on
    ResourceFailed = 69,    ///< a required resource could not be opened
    InternalError = 70,     ///< an exception that no resource is to blame for
    SystemError = 71,       ///< the system refused a listener, a descriptor or a thread
    TimedOut = 75,          ///< a required resource was not open in time: trying again may help
    BadConfiguration = 78,  ///< a variable, its .env file, or [pool.NAME.app]: see ConfigError
    OpenedTooEarly = 79,    ///< threads or sockets were there before the lifespan
  };

  /// A route; get() and its like are short for it. Router says what a pattern and a handler may be,
  /// and where the handler runs.
  template <class Handler>
  App& route(Method method, std::string_view pattern, Handler&& handler) {
    router_.route(method, pattern, std::forward<Handler>(handler));
    return *this;
  }

  /// A resource of the lifespan: see Lifespan::resource(), whose arguments these are.
  template <class T, class Open, detail::NoOptions Close>
  App& resource(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    lifespan_.resource<T>(name, std::move(open), std::move(close), options);
    return *this;
  }
  /// The same, closed by its destructor alone.
  template <class T, class Open>
  App& resource(const std::string& name, Open open, ResourceOptions options = {}) {
    lifespan_.resource<T>(name, std::move(open), options);
    return *this;
  }
  /// Something to do and to undo: see Lifespan::step().
  template <class Open, class Close>
  App& step(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    lifespan_.step(name, std::move(open), std::move(close), options);
    return *this;
  }

  /// A scheduled job: see ScheduledJobs::schedule(), whose arguments these are, and cron() and
  /// every().
  template <class Function>
  App& schedule(std::string name, Schedule times, Function function,
                const ScheduleOptions& options = {}) {
    scheduled_jobs_.schedule(std::move(name), std::move(times), std::move(function), options);
    return *this;
  }

  /// Ordinary code that opens resources: see Scope.
  template <std::invocable<Scope&> Open>
  App& lifespan(Open open, Phase phase = Phase::Connections) {
    lifespan_.compose(std::move(open), phase);
    return *this;
  }
  /// A health check: see Lifespan::check(), whose arguments these are.
  template <class T = void, class Question>
  App& check(std::string name, Question function, CheckOptions options = {}) {
    lifespan_.check<T>(std::move(name), std::move(function), options);
    return *this;
  }

  /// A value of request scope: see RequestValues::provide(), whose arguments these are.
  template <class T, class Open, class Close>
    requires(!std::is_same_v<std::decay_t<Close>, ProvideOptions>)
  App& provide(Open open, Close close, ProvideOptions options = {}) {
    request_values_.provide<T>(std::move(open), std::move(close), options);
    return *this;
  }
  /// The same, closed by its destructor alone.
  template <class T, class Open>
  App& provide(Open open, ProvideOptions options = {}) {
    request_values_.provide<T>(std::move(open), options);
    return *this;
  }

  /// A need with several candidates, of which the first that works is chosen: see providers.hpp.
  /// Handlers find it as a Provider<T>. The candidates are added to what this returns; without any
  /// the start fails.
  template <class T>
  ProviderBuilder<T> provider(const std::string& name, ProviderOptions options = {}) {
    auto plan = std::make_shared<detail::ProviderPlan>();
    plan->name = name;
    plan->options = options;
    detail::add_provider<T>(lifespan_, plan);
    return ProviderBuilder<T>(plan);
  }

  /// The variables that it reads: all that is wrong with them is told at once, before anything
  /// opens.
  App& environment(Environment environment) {
    environment_ = std::move(environment);
    return *this;
  }
  /// Sizes, times and numbers of HTTP. Throws std::invalid_argument, which names it, for a limit
  /// with which nothing could ever be served.
  App& limits(const HttpLimits& limits);
  /// The thread pool. Throws like limits().
  App& threads(const ThreadLimits& threads);
  /// The tasks that requests leave behind. Throws like limits().
  App& background(const BackgroundLimits& limits);

  /// Whether threads and sockets may exist when run() begins. Refused by default.
  App& fork_safety(ForkSafety fork_safety) {
    fork_safety_ = fork_safety;
    return *this;
  }
  /// When the runtime says that the event loop is blocked, or the thread pool exhausted, and by
  /// whom.
  App& watch(const WatchLimits& watch) {
    watch_ = watch;
    return *this;
  }

  // The settings, for the code that runs the app.

  /// By get() and its like.
  [[nodiscard]] const Router& router() const { return router_; }
  /// By resource(), step(), lifespan(), check() and provider().
  [[nodiscard]] const Lifespan& lifespan() const { return lifespan_; }
  /// By schedule().
  [[nodiscard]] const ScheduledJobs& scheduled_jobs() const { return scheduled_jobs_; }
  /// By environment().
  [[nodiscard]] const Environment& environment() const { return environment_; }
  /// By limits().
  [[nodiscard]] const HttpLimits& limits() const { return limits_; }
  /// By threads().
  [[nodiscard]] const ThreadLimits& threads() const { return threads_; }
  /// By fork_safety().
  [[nodiscard]] ForkSafety fork_safety() const { return fork_safety_; }
  /// By watch().
  [[nodiscard]] const WatchLimits& watch() const { return watch_; }
  /// By background().
  [[nodiscard]] const BackgroundLimits& background() const { return background_; }
  /// By provide().
  [[nodiscard]] const RequestValues& request_values() const { return request_values_; }

  /// Lives the life of the worker, and returns an ExitCode for main() to return. Under a master or
  /// systemd it serves on the sockets that it inherits; else on `--listen`. It blocks TERM, INT and
  /// QUIT, ignores HUP and PIPE, and must therefore be called before the program starts threads of
  /// its own. If a function still occupies a thread in the end, or one existed before, it ends the
  /// process instead of returning.
  [[nodiscard]] int run(int argc, char** argv) const;

 private:
  Router router_;
  Lifespan lifespan_;
  ScheduledJobs scheduled_jobs_;
  Environment environment_;
  HttpLimits limits_;
  ThreadLimits threads_;
  ForkSafety fork_safety_ = ForkSafety::Refuse;
  WatchLimits watch_;
  BackgroundLimits background_;
  RequestValues request_values_;
};

}  // namespace reeve
