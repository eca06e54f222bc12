#pragma once
// The text of an environment variable as a value of some type. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/environment.hpp"

namespace reeve::worker {

[[nodiscard]] std::optional<bool> read_bool(std::string_view text);
[[nodiscard]] std::optional<std::int64_t> read_whole(std::string_view text);
[[nodiscard]] std::optional<double> read_number(std::string_view text);
[[nodiscard]] std::optional<std::chrono::milliseconds> read_duration(std::string_view text);
[[nodiscard]] std::vector<std::string> read_list(std::string_view text);

/// "a whole number", "a duration such as 30s or 1m30s": for `expected ...`.
[[nodiscard]] std::string_view wanted(VariableType type);

/// Whether a variable of that type can have this value.
[[nodiscard]] bool is_valid(VariableType type, std::string_view text);

/// Whether "" is a value of that type, and not the lack of one.
[[nodiscard]] bool may_be_empty(VariableType type);

}  // namespace reeve::worker
