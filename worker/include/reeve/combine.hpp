#pragma once
// Several tasks at once, or one task with a time limit:
//   auto [user, orders] = co_await when_all(find_user(id), find_orders(id));
//   auto first = co_await when_any(inbox.receive(), sleep_for(30s));
//   Reply reply = co_await with_timeout(2s, ask(question));
// The arguments are Tasks, or anything else that can be awaited and has not been yet. They start
// when the combinator is awaited, in their order, and all of them have ended when it returns or
// throws: nothing is left behind, and they may use what the caller has on its stack. So a function
// that blocks a thread is waited for, also past a timeout.
//
// When the task that awaits a combinator is cancelled, so is everything that the combinator has
// started; Cancelled arrives when that has ended. Loop thread only.

#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"
#include "reeve/task_group.hpp"

namespace reeve {

namespace detail {

template <class T>
struct CollectedAs {
  using Type = T;
};
template <>
struct CollectedAs<void> {
  using Type = std::monostate;
};
/// The type that stands for a T among other results: std::monostate for void.
template <class T>
using Collected = typename CollectedAs<T>::Type;
/// The same where a reference cannot stand: std::reference_wrapper.
template <class T>
using Chosen = Stored<Collected<T>>;

template <class T>
Task<T> as_task(Task<T> task) {
  return task;
}
template <std::derived_from<Suspension> Wait>
auto as_task(Wait wait) -> Task<decltype(wait.await_resume())> {
  co_return co_await wait;
}
template <class Awaitable>
using AsTask = decltype(as_task(std::declval<Awaitable>()));
template <class Awaitable>
using ResultOf = typename AsTask<Awaitable>::value_type;

template <class T>
Chosen<T> fetch(Task<T>& task) {
  Outcome<T> outcome = task.take();
  if (!outcome) std::rethrow_exception(std::move(outcome.error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return std::move(*outcome);
  }
}

template <class T>
class [[nodiscard]] TaskGroupOfMany final : public TaskGroup {
 public:
  TaskGroupOfMany(Decides decides, std::vector<Task<T>>& tasks)
      : TaskGroup(decides), tasks_(std::move(tasks)) {
    for (const Task<T>& task : tasks_) add(task.branch());
  }
  ~TaskGroupOfMany() override { retire(); }
  /// The tasks, all of which have ended, and the one that decided.
  std::vector<Task<T>>& await_resume() {
    check();
    if (decided() && tasks_[*decided()].branch().promise->failed) fetch(tasks_[*decided()]);
    return tasks_;
  }
  [[nodiscard]] std::size_t winner() const { return decided().value(); }

 private:
  std::vector<Task<T>> tasks_;
};

template <class... T>
class [[nodiscard]] TaskGroupOf final : public TaskGroup {
 public:
  using Tasks = std::tuple<Task<T>...>;

  explicit TaskGroupOf(Decides decides, Task<T>&... tasks)
      : TaskGroup(decides), tasks_(std::move(tasks)...) {
    std::apply([this](const auto&... task) { (add(task.branch()), ...); }, tasks_);
  }
  ~TaskGroupOf() override { retire(); }
  Tasks& await_resume() {
    check();
    if (decided()) throw_failure(std::index_sequence_for<T...>());
    return tasks_;
  }
  [[nodiscard]] std::size_t winner() const { return decided().value(); }

 private:
  template <std::size_t... I>
  void throw_failure(std::index_sequence<I...>) {
    ((I == winner() && std::get<I>(tasks_).branch().promise->failed
          ? static_cast<void>(fetch(std::get<I>(tasks_)))
          : void()),
     ...);
  }

  Tasks tasks_;
};

template <class T>
class [[nodiscard]] Timed final : public Deadline {
 public:
  Timed(std::chrono::nanoseconds limit, Task<T>& task) : Deadline(limit), task_(std::move(task)) {
    add(task_.branch());
  }
  ~Timed() override { retire(); }
  T await_resume() {
    check();
    Outcome<T> outcome = task_.take();
    if (!outcome) {
      check_deadline(outcome.error());
      std::rethrow_exception(std::move(outcome.error()));
    }
    if constexpr (!std::is_void_v<T>) return std::move(*outcome);
  }

 private:
  Task<T> task_;
};

template <class... T>
Task<std::tuple<Collected<T>...>> all_of(Task<T>... tasks) {
  TaskGroupOf<T...> group(TaskGroup::Decides::FirstFailure, tasks...);
  auto& ended = co_await group;
  co_return std::apply([](auto&... task) { return std::tuple<Collected<T>...>{fetch(task)...}; },
                       ended);
}

template <class Variant, std::size_t I = 0, class Tasks>
Variant fetch_one(Tasks& tasks, std::size_t index) {
  if constexpr (I + 1 < std::tuple_size_v<Tasks>) {
    if (index != I) return fetch_one<Variant, I + 1>(tasks, index);
  }
  return Variant(std::in_place_index<I>, fetch(std::get<I>(tasks)));
}

template <class... T>
Task<std::variant<Chosen<T>...>> any_of(Task<T>... tasks) {
  TaskGroupOf<T...> group(TaskGroup::Decides::FirstEnd, tasks...);
  auto& ended = co_await group;
  co_return fetch_one<std::variant<Chosen<T>...>>(ended, group.winner());
}

template <class T>
Task<T> timed(std::chrono::nanoseconds limit, Task<T> task) {
  Timed<T> deadline(limit, task);
  co_return co_await deadline;
}

}  // namespace detail

/// A Task, or a wait like sleep_for(), offload() and Channel::receive() that is not awaited yet.
template <class T>
concept Awaitable = requires { typename detail::AsTask<T>; };

/// Runs all of them; returns their results as a tuple, std::monostate for a void. The first
/// exception wins: the others are cancelled (what comes after it in the list never starts), waited
/// for, and what they throw is dropped.
template <Awaitable... A>
[[nodiscard]] auto when_all(A... awaitables)
    -> Task<std::tuple<detail::Collected<detail::ResultOf<A>>...>> {
  return detail::all_of(detail::as_task(std::move(awaitables))...);
}

/// The same for a number of tasks known only at run time: the results in the order of the tasks.
template <class T>
[[nodiscard]] Task<std::vector<detail::Chosen<T>>> when_all(std::vector<Task<T>> tasks) {
  detail::TaskGroupOfMany<T> group(detail::TaskGroup::Decides::FirstFailure, tasks);
  auto& ended = co_await group;
  std::vector<detail::Chosen<T>> results;
  results.reserve(ended.size());
  for (Task<T>& task : ended) results.push_back(detail::fetch(task));
  co_return results;
}

/// Runs all of them until the first one ends; the others are cancelled and waited for, and what
/// they return or throw is dropped. The result is a variant whose index() says which one it was,
/// with std::monostate for a void. When the first one ended by an exception, that is thrown.
template <Awaitable... A>
  requires(sizeof...(A) > 0)
[[nodiscard]] auto when_any(A... awaitables)
    -> Task<std::variant<detail::Chosen<detail::ResultOf<A>>...>> {
  return detail::any_of(detail::as_task(std::move(awaitables))...);
}

/// The first of many.
template <class T>
struct First {
  std::size_t index;        ///< which of the tasks ended first
  detail::Chosen<T> value;  ///< what it ended with; std::monostate for a void
};

/// The same for a number of tasks known only at run time. Throws std::invalid_argument for none,
/// which would never end.
template <class T>
[[nodiscard]] Task<First<T>> when_any(std::vector<Task<T>> tasks) {
  if (tasks.empty()) throw std::invalid_argument("when_any() of no tasks would never end");
  detail::TaskGroupOfMany<T> group(detail::TaskGroup::Decides::FirstEnd, tasks);
  auto& ended = co_await group;
  const std::size_t winner = group.winner();
  First<T> first{winner, detail::fetch(ended[winner])};
  co_return first;
}

/// Runs one for at most `limit` (to the millisecond, from the co_await on): then it is cancelled,
/// waited for, and TimedOut is thrown. A value or an exception that it ends with all the same is
/// not lost: that is the result.
template <Awaitable A>
[[nodiscard]] auto with_timeout(std::chrono::nanoseconds limit, A awaitable)
    -> Task<detail::ResultOf<A>> {
  return detail::timed(limit, detail::as_task(std::move(awaitable)));
}

}  // namespace reeve
