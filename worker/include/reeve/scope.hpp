#pragma once
// Scope: opens resources from ordinary coroutine code - nested, conditional, concurrent - so that
// all of them are closed again, in the reverse of the order in which they were open. Handed to
// app.lifespan() functions and to open functions; never made by hand. Loop thread only.
//
//   app.lifespan([config](reeve::Scope& scope) -> reeve::Task<> {
//     auto& db = co_await scope.open<Database>(
//         "database", [&] { return Database::connect(config.url); },
//         [](Database& database) { database.close(); }, {.kind = reeve::Kind::Database});
//     if (config.cache) co_await scope.open_optional<Cache>("cache", [] { return Cache(); });
//     co_await when_all(scope.open<A>("a", [&db] { return A(db); }),
//                       scope.open<B>("b", [] { return B(); }));
//   });

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

#include "reeve/resource.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"
#include "reeve/temporaries.hpp"

namespace reeve {

namespace worker {
class ResourceKeeper;
struct Node;
}  // namespace worker

/// A resource could not be opened: "cannot open database: connection refused".
class OpenError : public std::runtime_error {
 public:
  /// For the runtime.
  OpenError(const std::string& name, const std::string& reason, std::exception_ptr cause)
      : std::runtime_error("cannot open " + name + ": " + reason), cause_(std::move(cause)) {}

  /// What its open function threw; null when it took too long.
  [[nodiscard]] const std::exception_ptr& cause() const { return cause_; }

 private:
  std::exception_ptr cause_;
};

/// What a function of the lifespan opens resources through: see above. Loop thread; good until the
/// function has ended, or the resource that it opens is closed.
class Scope {
 public:
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Opens a resource whose value handlers find in the State by its type; see Lifespan::resource()
  /// for what `open` and `close` may be. The reference is good until the resource is closed.
  ///
  /// Inside the open function of "database" the name "pool" becomes "database/pool"; such a child
  /// was open before its parent, so it is closed after it; one that comes later (optional, and down
  /// at first) is closed before it. When the parent's open fails, its children are closed at once.
  ///
  /// With g++ 12, a lambda whose captures have destructors is named before it is passed: that
  /// compiler destroys those of a temporary one twice within a co_await, so this does not compile.
  ///
  /// Throws OpenError, also when it took longer than `open_within`; Cancelled;
  /// std::invalid_argument for a name that is empty or taken, or options that make no sense;
  /// std::logic_error when the scope has ended, or there is a value of that type already.
  template <class T, class Open, detail::NoOptions Close>
  [[nodiscard]] Task<T&> open(std::string name, Open&& open, Close&& close,
                              ResourceOptions options = {}) {
    detail::refuse_unsafe_temporaries<Open, Close>();
    return as_reference<T>(open_required(detail::make_resource<T>(
        std::move(name), std::forward<Open>(open), std::forward<Close>(close), options)));
  }
  /// The same, closed by its destructor alone, on the loop thread.
  template <class T, class Open>
  [[nodiscard]] Task<T&> open(std::string name, Open&& open, ResourceOptions options = {}) {
    detail::refuse_unsafe_temporaries<Open>();
    return as_reference<T>(open_required(
        detail::make_resource<T>(std::move(name), std::forward<Open>(open), options)));
  }

  /// The same for a resource that the worker can do without. Null when it could not be opened: it
  /// is tried again, and State::find() returns it once it is open, unless another value of its type
  /// is there by then. Throws only std::invalid_argument, std::logic_error and Cancelled.
  template <class T, class Open, detail::NoOptions Close>
  [[nodiscard]] Task<T*> open_optional(std::string name, Open&& open, Close&& close,
                                       ResourceOptions options = {}) {
    detail::refuse_unsafe_temporaries<Open, Close>();
    return as_pointer<T>(try_to_open(detail::make_resource<T>(
        std::move(name), std::forward<Open>(open), std::forward<Close>(close), options)));
  }
  /// The same, closed by its destructor alone, on the loop thread.
  template <class T, class Open>
  [[nodiscard]] Task<T*> open_optional(std::string name, Open&& open,
                                       ResourceOptions options = {}) {
    detail::refuse_unsafe_temporaries<Open>();
    return as_pointer<T>(
        try_to_open(detail::make_resource<T>(std::move(name), std::forward<Open>(open), options)));
  }

  /// Something to do and to undo that leaves no value behind, required or optional.
  template <class Open, class Close>
  [[nodiscard]] Task<> step(std::string name, Open&& open, Close&& close,
                            ResourceOptions options = {}) {
    detail::refuse_unsafe_temporaries<Open, Close>();
    return do_step(detail::make_resource<void>(std::move(name), std::forward<Open>(open),
                                               std::forward<Close>(close), options));
  }

  /// Adds a note to this resource wherever it is shown (`reevectl status --lifespan`, /health):
  /// "replica-2", "openai". May be called again while it is open. Nothing where the scope is that
  /// of a lifespan function.
  void note(std::string detail);

  /// The values that are open so far, but not those that are, or are nested in, an optional
  /// resource that is not open yet: it may still turn out to be down.
  [[nodiscard]] State& state();

 private:
  friend class worker::ResourceKeeper;
  friend struct worker::Node;
  Scope(worker::ResourceKeeper& keeper, worker::Node* owner, Phase phase)
      : keeper_(&keeper), owner_(owner), phase_(phase) {}

  [[nodiscard]] Task<void*> open_required(Resource resource);
  [[nodiscard]] Task<void*> try_to_open(Resource resource);
  [[nodiscard]] Task<> do_step(Resource resource);

  template <class T>
  static Task<T&> as_reference(Task<void*> opening) {
    co_return *static_cast<T*>(co_await std::move(opening));
  }
  template <class T>
  static Task<T*> as_pointer(Task<void*> opening) {
    co_return static_cast<T*>(co_await std::move(opening));
  }

  worker::ResourceKeeper* keeper_;
  worker::Node*
      owner_;  // The node whose open function has it; null: a lifespan function, or the runtime.
  Phase phase_;
};

}  // namespace reeve
