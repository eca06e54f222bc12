#pragma once
// Durations as a person writes them: "250ms", "30s", "1m30s", "24h". Pure.

#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/clock.hpp"

namespace reeve::ipc {

/// Whole numbers with the units h, m, s and ms, from large to small, each at most once; at most a
/// thousand days. Nothing for any other text, also for a number without a unit.
[[nodiscard]] std::optional<Duration> parse_duration(std::string_view text);

/// The text that parse_duration reads back to the same duration; less than a millisecond is cut
/// off.
[[nodiscard]] std::string write_duration(Duration duration);

/// "1.5 s", "350 ms", "2 min": cut off to what a person needs; not to be read back.
[[nodiscard]] std::string short_duration(Duration duration);

}  // namespace reeve::ipc
