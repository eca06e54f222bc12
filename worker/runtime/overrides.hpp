#pragma once
// What a test puts in place of what an app makes: by type, whether the app opens it in its lifespan
// or makes it for each request. Filled before the start, read-only from then on. An app that runs
// as a process has none.

#include <functional>
#include <map>
#include <memory>
#include <typeindex>
#include <utility>

#include "reeve/state.hpp"

namespace reeve::worker {

/// One replacement. What it replaces is neither opened nor closed: the replacement is destroyed,
/// and nothing else.
struct Override {
  /// The value; the same one each time, or a new one: see Overrides. May throw.
  std::function<std::shared_ptr<void>()> make;
  /// Makes it, and puts it into the state under the type that it stands for.
  std::function<void(State&)> put;
};

class Overrides {
 public:
  /// `value`, also a unique_ptr, stands for T: as the resource, or as the value of every request.
  template <class T>
  void replace(std::shared_ptr<T> value) {
    replace_with<T>([value = std::move(value)] { return value; });
  }
  /// What `make` returns stands for T: called once a start for a resource, once a request for a
  /// value of request scope. On the loop thread; it does not block.
  template <class T>
  void replace_with(std::function<std::shared_ptr<T>()> make) {
    add(typeid(T), {.make = [make] { return std::shared_ptr<void>(make()); },
                    .put = [make](State& state) { state.put<T>(make()); }});
  }
  /// The same, its types erased.
  void add(std::type_index type, Override replacement) {
    by_type_.insert_or_assign(type, std::move(replacement));
  }

  /// Null when the app's own is to be used.
  [[nodiscard]] const Override* find(std::type_index type) const {
    const auto found = by_type_.find(type);
    return found == by_type_.end() ? nullptr : &found->second;
  }

 private:
  std::map<std::type_index, Override> by_type_;
};

}  // namespace reeve::worker
