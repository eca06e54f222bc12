#pragma once
// The parameters of handlers and providers: the request, and values by their type. A T& is a value
// of request scope when App::provide<T>() makes one, else of process scope; a T* is the same, or
// null when it is a resource that is not open. Read off the signature, so a generic lambda can only
// have the request, or nothing.

#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <vector>

#include "reeve/request.hpp"
#include "reeve/signature.hpp"

namespace reeve::detail {

/// One value that a function asks for.
struct Wanted {
  std::type_index type;
  bool optional = false;  ///< the function copes without

  bool operator==(const Wanted&) const = default;
};

/// The way from a parameter's type to its value, for the thread that runs the function.
struct ValueAccess {
  [[nodiscard]] static void* find(const Request& request, const std::type_info& type) {
    return request.find_value(type);
  }
  [[nodiscard]] static void* require(const Request& request, const std::type_info& type) {
    return request.require_value(type);
  }
};

template <class Parameter>
struct Argument {
  using Value = std::remove_cvref_t<std::remove_pointer_t<Parameter>>;
  static constexpr bool kIsRequest = std::is_same_v<Parameter, const Request&>;
  static constexpr bool kIsOptional = std::is_pointer_v<Parameter>;
  static constexpr bool kIsValue =
      !std::is_same_v<Value, Request> && (std::is_lvalue_reference_v<Parameter> || kIsOptional);

  static Parameter of(const Request& request) {
    if constexpr (kIsRequest) {
      return request;  // NOLINT(bugprone-return-const-ref-from-parameter): it outlives the call.
    } else if constexpr (kIsOptional) {
      return static_cast<Value*>(ValueAccess::find(request, typeid(Value)));
    } else {
      return *static_cast<Value*>(ValueAccess::require(request, typeid(Value)));
    }
  }
  static void note(std::vector<Wanted>& wanted) {
    if constexpr (kIsValue) wanted.push_back({typeid(Value), kIsOptional});
  }
};

template <class List>
struct Arguments;
template <class... Parameters>
struct Arguments<TypeList<Parameters...>> {
  static constexpr bool kAllKnown =
      ((Argument<Parameters>::kIsRequest || Argument<Parameters>::kIsValue) && ...);
  /// False for a function object that is const, but whose operator() is not.
  template <class Function>
  static constexpr bool kCallable = std::is_invocable_v<Function&, Parameters...>;

  template <class Function>
  static decltype(auto) call(Function& function, const Request& request) {
    return function(Argument<Parameters>::of(request)...);
  }
  static void note(std::vector<Wanted>& wanted) { (Argument<Parameters>::note(wanted), ...); }
};

/// Whether call_with_values() can call it.
template <class Function>
consteval bool takes_values() {
  if constexpr (KnowsItsParameters<Function>) {
    using Known = Arguments<typename Signature<Function>::Parameters>;
    return Known::kAllKnown && Known::template kCallable<Function>;
  } else {
    return std::is_invocable_v<Function&, const Request&> || std::is_invocable_v<Function&>;
  }
}

template <class Function>
decltype(auto) call_with_values(Function& function, const Request& request) {
  if constexpr (KnowsItsParameters<Function>) {
    return Arguments<typename Signature<Function>::Parameters>::call(function, request);
  } else if constexpr (std::is_invocable_v<Function&, const Request&>) {
    return function(request);
  } else {
    return function();
  }
}

/// The types that a function asks for, in the order of its parameters.
template <class Function>
std::vector<Wanted> wanted_by() {
  std::vector<Wanted> wanted;
  if constexpr (KnowsItsParameters<Function>) {
    Arguments<typename Signature<Function>::Parameters>::note(wanted);
  }
  return wanted;
}

}  // namespace reeve::detail
