#pragma once
// Lifespan: what a worker opens after its start and closes, in reverse order, before its end.
//
//   [1/5] environment  [2/5] connections  [3/5] providers  [4/5] scheduler  [5/5] listening
//
// Resources and lifespan functions open one after another, by phase and then by registration; a
// function may open several at a time. Nothing listens before all the required ones are open.
// Filled before App::run(), on the main thread.
//
//   app.resource<Database>("database",
//       [] { return std::make_unique<Database>(url); },              // may block: on a thread
//       [](Database& db) -> reeve::Task<> { co_await db.flush(); },  // a coroutine: on the loop
//       {.open_within = 5s, .kind = reeve::Kind::Database});

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "reeve/check.hpp"
#include "reeve/resource.hpp"
#include "reeve/scope.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// What an app opens and closes, and its health checks. Filled on the main thread before
/// App::run(); read-only from then on.
class Lifespan {
 public:
  /// Code that opens resources through its Scope.
  using Function = std::function<Task<>(Scope&)>;

  /// Registers a resource whose value of type T the handlers find in the State.
  ///
  /// `open`, called with the Scope (a coroutine; what it opens there is nested), with the State of
  /// what opened before, or with nothing, returns a T, a unique_ptr<T> or a shared_ptr<T>, or a
  /// Task of one of them. `close` gets a T& and returns nothing or a Task<>. Their exceptions are
  /// failures. A failed required `open` ends the start, a failed optional one is retried; a failed
  /// `close` is logged. After `open_within` and `close_within` a coroutine gets Cancelled, and a
  /// blocking function is left behind.
  ///
  /// Throws std::invalid_argument for an empty or repeated name, a phase that is the runtime's own,
  /// a deadline that is not positive, a `retry` of a required one.
  template <class T, class Open, detail::NoOptions Close>
  void resource(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    add(detail::make_resource<T>(name, std::move(open), std::move(close), options));
  }
  /// The same, closed by its destructor alone, on the loop thread.
  template <class T, class Open>
  void resource(const std::string& name, Open open, ResourceOptions options = {}) {
    add(detail::make_resource<T>(name, std::move(open), options));
  }

  /// Something to do and to undo that leaves no value behind: registering with a load balancer.
  template <class Open, class Close>
  void step(const std::string& name, Open open, Close close, ResourceOptions options = {}) {
    add(detail::make_resource<void>(name, std::move(open), std::move(close), options));
  }

  /// Registers ordinary code that opens resources through its Scope. What it throws ends the start.
  /// The code has no deadline of its own: each thing that it opens has one.
  template <class Open>
  void compose(Open open, Phase phase = Phase::Connections) {
    static_assert(std::is_same_v<std::invoke_result_t<Open&, Scope&>, Task<>>,
                  "a lifespan function takes a Scope& and is a coroutine that returns Task<>");
    add(Function(std::move(open)), phase);
  }

  /// Registers a check of the value of type T, or of anything: see reeve/check.hpp. A `function`
  /// for T gets a T&, one for nothing gets the State or nothing; it returns nothing, a bool, or a
  /// Task of either. It fails by an exception, which says why, or by false. A check that has the
  /// name of a resource speaks for that one. Throws std::invalid_argument for a name that is empty
  /// or taken.
  template <class T = void, class Question>
  void check(std::string name, Question function, CheckOptions options = {}) {
    add(detail::make_check<T>(std::move(name), std::move(function), options));
  }

  /// A resource, or a function that opens some.
  struct Part {
    Phase phase;        ///< in which it opens
    Resource resource;  ///< Without a name where it is a function.
    Function function;  ///< Empty where it is a resource.
  };

  /// For what comes with its types erased.
  void add(Resource resource);
  /// The same of a function: see compose().
  void add(Function function, Phase phase);
  /// The same of a check.
  void add(Check check);

  /// In the order of opening.
  [[nodiscard]] const std::vector<Part>& parts() const { return parts_; }
  /// In the order of their registration.
  [[nodiscard]] const std::vector<Check>& checks() const { return checks_; }

 private:
  void insert(Part part);

  std::vector<Part> parts_;
  std::vector<Check> checks_;
};

namespace detail {
/// Throws std::invalid_argument for what no resource can be. `where` it would open.
void refuse_nonsense(const Resource& resource, Phase where);
}  // namespace detail

}  // namespace reeve
