#pragma once
// State: the values of process scope, one of each type, opened by the lifespan and read by
// handlers. It refuses to be a service locator with names, and to change while requests run: the
// loop thread fills it before the worker listens and empties it after the drain; in between any
// thread may read.

#include <memory>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

namespace reeve {

class State {
 public:
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  /// Destroys the values, the last one first.
  ~State();

  /// Adds the value of type T. Throws std::logic_error when there is one already.
  template <class T>
  T& put(std::shared_ptr<T> value) {
    T& reference = *value;
    add(typeid(T), std::move(value));
    return reference;
  }
  template <class T>
  T& put(std::unique_ptr<T> value) {
    return put(std::shared_ptr<T>(std::move(value)));
  }
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
    return static_cast<T*>(lookup(typeid(T)));
  }

  /// Destroys the value of type T, if there is one.
  template <class T>
  void erase() {
    remove(typeid(T));
  }

 private:
  struct Entry {
    std::type_index type;
    std::shared_ptr<void> value;
  };
  void add(const std::type_info& type, std::shared_ptr<void> value);
  void remove(const std::type_info& type);
  [[nodiscard]] void* lookup(const std::type_info& type) const;
  [[nodiscard]] void* require(const std::type_info& type) const;

  std::vector<Entry> entries_;  // A handful: a scan beats a hash.
};

}  // namespace reeve
