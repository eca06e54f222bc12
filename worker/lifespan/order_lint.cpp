#include "worker/lifespan/order_lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace reeve::worker {
namespace {

std::string_view one_of(Kind kind) {
  switch (kind) {
    case Kind::Telemetry:
      return "telemetry";
    case Kind::Database:
      return "a database";
    case Kind::Client:
      return "a client";
    case Kind::Cache:
      return "a cache";
    case Kind::Other:
      return "something else";
  }
  std::unreachable();
}

}  // namespace

std::optional<std::string> OrderLint::opening(const std::string& name, Kind kind) {
  if (warned_ || kind == Kind::Other) return std::nullopt;
  const auto follows = [kind](const Known& known) { return known.kind > kind; };
  const auto too_early = std::ranges::find_if(open_, follows);
  if (too_early == open_.end()) return std::nullopt;
  warned_ = true;
  return fmt::format(
      "{} ({}) opens after {} ({}), so it closes before that one: open telemetry first, then "
      "databases, then clients, then caches",
      name, one_of(kind), too_early->name, one_of(too_early->kind));
}

void OrderLint::opened(const std::string& name, Kind kind) {
  if (kind != Kind::Other) open_.push_back({name, kind});
}

}  // namespace reeve::worker
