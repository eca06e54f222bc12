#pragma once
// Warns of resources that open in an order that will hurt when they close in reverse: telemetry
// comes first, then databases, then clients, then caches. So a cache closes while the database that
// it flushes to is open, and telemetry sees all of it. Pure.

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
  [[nodiscard]] std::optional<std::string> opening(const std::string& name, Kind kind);
  void opened(const std::string& name, Kind kind);

 private:
  struct Known {
    std::string name;
    Kind kind;
  };
  std::vector<Known> open_;
  bool warned_ = false;
};

}  // namespace reeve::worker
