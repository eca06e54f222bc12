#pragma once
// What a struct consists of, said once, in one line below it:
//   struct Recycling { ... };
//   REEVE_FIELDS(Recycling, requests, memory_bytes, age, jitter)
// Every codec reads and writes by that one list, so that the two cannot differ. It names all
// members in their order: one that is forgotten does not compile. Knows no format. Pure.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace reeve::ipc {

using FieldNames = std::span<const std::string_view>;

consteval std::size_t count_fields(std::string_view list) {
  return static_cast<std::size_t>(std::ranges::count(list, ',')) + 1;
}

/// The names in "a, b, c", as the preprocessor writes a list of arguments.
template <std::size_t N>
consteval std::array<std::string_view, N> split_fields(std::string_view list) {
  std::array<std::string_view, N> names;
  for (std::string_view& name : names) {
    name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(name.size() + 1, list.size()));
    name.remove_prefix(name.find_first_not_of(' '));
  }
  return names;
}

/// Takes what visit_fields() gives, to ask whether a type has fields.
struct FieldsProbe {
  template <class... Members>
  void operator()(FieldNames, Members&...) const {}
};

/// A struct with REEVE_FIELDS: `visit_fields(visitor, value)` calls the visitor once, with the
/// names of all fields and then all fields.
template <class T>
concept HasFields =
    std::is_class_v<T> && requires(FieldsProbe probe, T& value) { visit_fields(probe, value); };

}  // namespace reeve::ipc

/// In the namespace of Type, after it.
#define REEVE_FIELDS(Type, ...)                                                               \
  template <class Visitor, class Part>                                                        \
    requires std::same_as<std::remove_const_t<Part>, Type>                                    \
  void visit_fields(Visitor&& reeve_visitor, Part& reeve_part) {                              \
    static constexpr auto kReeveNames =                                                       \
        ::reeve::ipc::split_fields<::reeve::ipc::count_fields(#__VA_ARGS__)>(#__VA_ARGS__);   \
    auto& [__VA_ARGS__] = reeve_part;                                                         \
    std::forward<Visitor>(reeve_visitor)(::reeve::ipc::FieldNames(kReeveNames), __VA_ARGS__); \
  }
