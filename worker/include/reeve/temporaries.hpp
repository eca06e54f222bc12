#pragma once
// Refuses what g++ 12 must not be given within a co_await. Part of the templates of other headers;
// with any other compiler it refuses nothing.

#include <string_view>
#include <type_traits>

namespace reeve::detail {

/// When a temporary without a constructor (a lambda, an aggregate) stands within a co_await, g++ 12
/// destroys its members twice. Whether it does stand there cannot be told, nor a temporary from
/// std::move(): those are refused too.
template <class Function>
consteval bool is_safe_in_co_await() {
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
  using Type = std::remove_cvref_t<Function>;
  if (std::is_lvalue_reference_v<Function> || std::is_trivially_destructible_v<Type>) return true;
  const bool mentions_lambda = std::string_view(__PRETTY_FUNCTION__).contains("<lambda");
  return !mentions_lambda && !std::is_aggregate_v<Type>;
#else
  return true;
#endif
}

/// `Functions` are deduced for forwarding references.
template <class... Functions>
constexpr void refuse_unsafe_temporaries() {
  static_assert((is_safe_in_co_await<Functions>() && ...),
                "g++ 12 destroys what a temporary lambda has captured twice when it is passed "
                "within a co_await: name the lambda first, capture by reference, or wrap a named "
                "one that can only be moved in a std::move_only_function");
}

}  // namespace reeve::detail
