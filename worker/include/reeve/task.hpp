#pragma once
// Task<T>: a lazy coroutine on the worker's loop. It runs when it is awaited, on the loop thread,
// and hands its value or its exception to the task that awaits it. It refuses to be a future:
// nothing runs by itself, nothing is shared. A root task is started by the runtime
// (worker/task/spawn.hpp).
//
// How a task finds its loop: the promise carries a Root, which an awaited task inherits from its
// awaiter. There is no thread_local and no global.

#include <concepts>
#include <coroutine>
#include <exception>
#include <expected>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "reeve/suspension.hpp"

namespace reeve {

/// A coroutine that begins when it is awaited: see below.
template <class T = void>
class Task;

namespace detail {

/// The type that holds a result of type T until it is fetched.
template <class T>
struct StoredAs {
  using Type = T;
};
template <class T>
struct StoredAs<T&> {
  using Type = std::reference_wrapper<T>;
};
template <class T>
using Stored = typename StoredAs<T>::Type;

/// How a task ended.
template <class T>
using Outcome = std::expected<Stored<T>, std::exception_ptr>;

struct PromiseBase {
  /// Goes on with the awaiter. A root has none: its Root sees that it is done.
  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      *ended.promise().next = ended.promise().continuation;
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }

  std::coroutine_handle<> continuation;
  worker::Root* root = nullptr;
  /// Where a task says who goes on, before it returns to its Root. Symmetric transfer would do
  /// without the Root, but compilers grow the stack by it unless they optimize.
  std::coroutine_handle<>* next = nullptr;
  bool failed = false;  ///< ended by an exception
};

/// Makes a task run on a root.
void adopt(PromiseBase& promise, worker::Root& root);

/// A task without its type: what runs it as a root. The Task stays the owner.
struct Branch {
  std::coroutine_handle<> frame;
  PromiseBase* promise;
};

template <class T>
struct Promise : PromiseBase {
  Task<T> get_return_object();
  template <std::convertible_to<T> U = T>
  void return_value(U&& value) {
    outcome.emplace(std::in_place, std::forward<U>(value));
  }
  void unhandled_exception() {
    failed = true;
    outcome.emplace(std::unexpect, std::current_exception());
  }

  std::optional<Outcome<T>> outcome;
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() { outcome.emplace(); }
  void unhandled_exception() {
    failed = true;
    outcome.emplace(std::unexpect, std::current_exception());
  }

  std::optional<Outcome<void>> outcome;
};

}  // namespace detail

/// A coroutine that begins when it is awaited, and whose value is a T. Can be moved until then.
/// Loop thread.
template <class T>
class [[nodiscard]] Task {
  static_assert(!std::is_rvalue_reference_v<T>, "return a value or an lvalue reference");

 public:
  /// For the compiler (coroutines).
  using promise_type = detail::Promise<T>;
  /// The type of the result.
  using value_type = T;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  /// Destroys the coroutine where it stands, and with it every task that it awaits.
  ~Task() {
    if (frame_) frame_.destroy();
  }

  /// Runs the task to its end; its value, or its exception, is the result. Once.
  auto operator co_await() && noexcept { return Awaiter(frame_); }

  /// For the runtime: makes this a root task, and returns the coroutine to resume first.
  [[nodiscard]] std::coroutine_handle<> bind(worker::Root& root) {
    detail::adopt(frame_.promise(), root);
    return frame_;
  }
  /// For the runtime, of a task that was bound: it has ended.
  [[nodiscard]] bool done() const { return frame_.done(); }
  /// For when_all() and its like.
  [[nodiscard]] detail::Branch branch() const { return {frame_, &frame_.promise()}; }
  /// How it ended. Once, and only when done().
  [[nodiscard]] detail::Outcome<T> take() { return std::move(*frame_.promise().outcome); }

 private:
  friend promise_type;
  using Frame = std::coroutine_handle<promise_type>;

  class Awaiter {
   public:
    explicit Awaiter(Frame frame) : frame_(frame) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <std::derived_from<detail::PromiseBase> Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiter) noexcept {
      auto& awaited = frame_.promise();
      awaited.root = awaiter.promise().root;
      awaited.next = awaiter.promise().next;
      awaited.continuation = awaiter;
      *awaited.next = frame_;
    }
    T await_resume() {
      detail::Outcome<T> outcome = std::move(*frame_.promise().outcome);
      if (!outcome) std::rethrow_exception(std::move(outcome.error()));
      if constexpr (!std::is_void_v<T>) return std::move(*outcome);
    }

   private:
    Frame frame_;
  };

  explicit Task(Frame frame) : frame_(frame) {}

  Frame frame_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> detail::Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

/// The type of a value that is, or is not, wrapped in a Task.
template <class T>
struct TaskTraits {
  static constexpr bool kIsTask = false;
  using Value = T;
};
template <class T>
struct TaskTraits<Task<T>> {
  static constexpr bool kIsTask = true;
  using Value = T;
};

template <class T>
concept TaskType = TaskTraits<T>::kIsTask;

}  // namespace reeve
