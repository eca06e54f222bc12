#pragma once
// What a function takes and returns, read off its type: how handlers, providers and scheduled
// functions are given their parameters. A function pointer, or an object with exactly one
// operator() that is no template. Compile time only.

#include <type_traits>
#include <utility>

#include "reeve/task.hpp"
#include "reeve/wait.hpp"

namespace reeve::detail {

/// Types as a value.
template <class... Types>
struct TypeList {};

/// The parameters of a function pointer, or of a pointer to a member function.
template <class Call>
struct CallSignature;
template <class R, bool N, class... P>
struct CallSignature<R (*)(P...) noexcept(N)> {
  using Parameters = TypeList<P...>;
};
template <class R, class C, bool N, class... P>
struct CallSignature<R (C::*)(P...) noexcept(N)> : CallSignature<R (*)(P...)> {};
template <class R, class C, bool N, class... P>
struct CallSignature<R (C::*)(P...) const noexcept(N)> : CallSignature<R (*)(P...)> {};

/// The function that is called when a Function is: itself, or its operator() when it has exactly
/// one.
template <class Function>
struct CallOf {
  using Type = Function;
};
template <class Function>
  requires requires { &Function::operator(); }
struct CallOf<Function> {
  using Type = decltype(&Function::operator());
};

/// The `Parameters` of a function; incomplete when they cannot be told.
template <class Function>
using Signature = CallSignature<typename CallOf<std::decay_t<Function>>::Type>;

/// False for a generic lambda, or an overloaded operator().
template <class Function>
concept KnowsItsParameters = requires { typename Signature<Function>::Parameters; };

/// Where a function runs is decided by its type: one that returns a Task is a coroutine on the
/// loop, any other may block, so it runs on the thread pool.
template <class Function>
auto run_where_it_belongs(Function function)
    -> Task<typename TaskTraits<std::invoke_result_t<Function&>>::Value> {
  if constexpr (TaskType<std::invoke_result_t<Function&>>) {
    co_return co_await function();
  } else {
    co_return co_await offload(std::move(function));
  }
}

}  // namespace reeve::detail
