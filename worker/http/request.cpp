#include "reeve/request.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "reeve/headers.hpp"
#include "worker/http/request_access.hpp"
#include "worker/http/request_scope.hpp"
#include "worker/task/text.hpp"

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

void* Request::find_value(const std::type_info& type) const {
  if (parts_.scope != nullptr) {
    if (void* value = parts_.scope->find(type)) return value;
  }
  return parts_.state != nullptr ? parts_.state->find(type) : nullptr;
}

void* Request::require_value(const std::type_info& type) const {
  if (void* value = find_value(type)) return value;
  throw std::out_of_range("no " + worker::type_name(type) +
                          " is open; is it an optional resource that is down?");
}

void* Request::require_scoped(const std::type_info& type) const {
  void* value = parts_.scope != nullptr ? parts_.scope->find(type) : nullptr;
  if (value != nullptr) return value;
  throw std::out_of_range("no " + worker::type_name(type) +
                          " was made for this request; give the handler a parameter of that type");
}

void Request::add_background(detail::BackgroundWork work) const {
  if (parts_.background == nullptr) throw std::logic_error("background: nobody runs this request");
  parts_.background->add(std::move(work));
}

bool Request::disconnected() const {
  return parts_.background != nullptr && parts_.background->disconnected();
}

std::string Request::client() const {
  return parts_.peer != nullptr ? parts_.peer->text() : std::string("unix:");
}

}  // namespace reeve
