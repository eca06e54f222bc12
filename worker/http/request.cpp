#include "reeve/request.hpp"

#include <algorithm>
#include <array>

#include "reeve/headers.hpp"
#include "worker/http/peer.hpp"

namespace reeve {
namespace {

constexpr std::array<std::string_view, kMethods> kMethodNames{"GET",   "HEAD",   "POST",   "PUT",
                                                              "PATCH", "DELETE", "OPTIONS"};

}  // namespace

std::string_view to_string(Method method) { return kMethodNames[static_cast<std::size_t>(method)]; }

std::optional<Method> parse_method(std::string_view name) {
  const auto found = std::ranges::find(kMethodNames, name);
  if (found == kMethodNames.end()) return std::nullopt;
  return static_cast<Method>(found - kMethodNames.begin());
}

std::string_view Request::parameter(std::string_view name) const {
  const auto found = std::ranges::find(parts_.parameters, name, &Parameter::name);
  return found == parts_.parameters.end() ? std::string_view() : std::string_view(found->value);
}

std::optional<std::string_view> Request::query(std::string_view name) const {
  const auto found = std::ranges::find(parts_.queries, name, &Parameter::name);
  if (found == parts_.queries.end()) return std::nullopt;
  return found->value;
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (const Header& header : parts_.headers) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

std::string Request::client() const {
  return parts_.peer != nullptr ? parts_.peer->text() : std::string("unix:");
}

}  // namespace reeve
