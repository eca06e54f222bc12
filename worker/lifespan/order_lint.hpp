#pragma once
// Warns of resources that open in an order that will hurt when they close in reverse: telemetry
// comes first, then databases, then clients, then caches. So a cache closes while the database that
// it flushes to is open, and telemetry sees all of it. Pure.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "reeve/lifespan.hpp"

namespace reeve::worker {

class OrderLint {
 public:
  /// Before a resource opens for the first time. What to warn of, once a life: it comes after one
  /// that is open and should follow it. Those that open at the same time have no order, and
  /// Kind::Other has none.
  [[nodiscard]] std::optional<std::string> opening(const std::string& name, Kind kind) {
    if (warned_ || kind == Kind::Other) return std::nullopt;
    const auto too_early =
        std::ranges::find_if(open_, [kind](const Known& known) { return known.kind > kind; });
    if (too_early == open_.end()) return std::nullopt;
    warned_ = true;
    return fmt::format(
        "{} ({}) opens after {} ({}), so it closes before that one: open telemetry first, then "
        "databases, then clients, then caches",
        name, one_of(kind), too_early->name, one_of(too_early->kind));
  }
  void opened(const std::string& name, Kind kind) {
    if (kind != Kind::Other) open_.push_back({name, kind});
  }

 private:
  struct Known {
    std::string name;
    Kind kind;
  };
  [[nodiscard]] static std::string one_of(Kind kind) {
    return (kind == Kind::Telemetry ? "" : "a ") + std::string(to_string(kind));
  }

  std::vector<Known> open_;
  bool warned_ = false;
};

}  // namespace reeve::worker
