#pragma once
// State: the values of process scope, one of each type, opened by the lifespan and read by
// handlers. It refuses to be a service locator with names. Any thread may read at any time; only
// the loop thread changes it. A value stays where it is until it is erased, which the lifespan does
// after the drain, when nobody asks any more; an optional one may appear while requests run.

#include <atomic>
#include <cstddef>
#include <memory>
#include <typeindex>
#include <typeinfo>
#include <utility>

#include "reeve/share.hpp"

namespace reeve {

namespace detail {

/// A value with its type erased, or nothing.
struct AnyValue {
  const std::type_info* type = nullptr;
  std::shared_ptr<void> value;

  /// Holds a T, or a unique_ptr or shared_ptr to a T or to what derives from it.
  template <class T, class Result>
  static AnyValue of(Result&& result) {
    return {&typeid(T), share<T>(std::forward<Result>(result))};
  }
};

}  // namespace detail

/// The values of process scope, one of each type.
class State {
 public:
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  /// Destroys the values, the last one first.
  ~State();

  /// Adds the value of type T. Throws std::logic_error when there is one already. Loop thread.
  template <class T>
  T& put(std::shared_ptr<T> value) {
    T& reference = *value;
    add({&typeid(T), std::move(value)});
    show(typeid(T));
    return reference;
  }
  /// The same.
  template <class T>
  T& put(std::unique_ptr<T> value) {
    return put(std::shared_ptr<T>(std::move(value)));
  }
  /// The same of a value that is moved into it.
  template <class T>
  T& put(T value) {
    return put(std::make_shared<T>(std::move(value)));
  }

  /// The value of type T. Throws std::out_of_range, which names the type, when there is none.
  template <class T>
  [[nodiscard]] T& get() const {
    return *static_cast<T*>(require(typeid(T)));
  }
  /// The same, or null when there is none: for optional resources.
  template <class T>
  [[nodiscard]] T* find() const {
    return static_cast<T*>(find(typeid(T)));
  }
  /// The same, its type erased.
  [[nodiscard]] void* find(std::type_index type) const;
  /// find() would find one.
  [[nodiscard]] bool has(std::type_index type) const { return find(type) != nullptr; }

  /// Destroys the value of type T, if there is one. Loop thread.
  template <class T>
  void erase() {
    take(typeid(T));
  }

  // For the lifespan, with types erased; loop thread.

  /// Adds a value that nobody finds before it is shown. Throws like put().
  void add(detail::AnyValue value);
  /// From now on it is found.
  void show(const std::type_info& type);
  /// There is one, shown or not.
  [[nodiscard]] bool holds(const std::type_info& type) const;
  /// Removes a value, shown or not; returns it, so that the caller decides when it ends.
  std::shared_ptr<void> take(const std::type_info& type);

 private:
  struct Slot;

  [[nodiscard]] void* require(const std::type_info& type) const;
  [[nodiscard]] Slot* slot_of(std::type_index type) const;

  // A list that only grows, so that readers need no lock; a handful: a scan beats a hash.
  std::atomic<Slot*> first_ = nullptr;
  std::size_t added_ = 0;
};

}  // namespace reeve
