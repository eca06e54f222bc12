#pragma once
// Values that a test puts in place of those that an app makes: by type, whether the app opens them
// in its lifespan or makes them for each request. Filled before the start, read-only from then on.
// An app that runs as a process has none.

#include <map>
#include <typeindex>
#include <utility>

#include "reeve/override.hpp"

namespace reeve::worker {

using detail::Override;

class Overrides {
 public:
  /// `value` stands for T: see detail::maker_of() for what it may be.
  template <class T, class Value>
  void replace(Value value) {
    add(typeid(T), Override::of<T>(detail::maker_of<T>(std::move(value))));
  }
  /// The same, its types erased. The later one of two for a type holds.
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
