#pragma once
// The query with which a test tells a route of the probe what to do.

#include <chrono>
#include <reeve/request.hpp>
#include <string_view>

namespace reeve::probe {

/// A number of the query; `fallback` when it is missing or malformed.
[[nodiscard]] int number_of(const Request& request, std::string_view name, int fallback);

/// ?ms=, 100 by default.
[[nodiscard]] std::chrono::milliseconds milliseconds_of(const Request& request);

}  // namespace reeve::probe
