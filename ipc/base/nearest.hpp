#pragma once
// "Did you mean ...?": the known word that a mistyped one is closest to. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace reeve::ipc {

/// A candidate that begins with `word`, the shortest of several; else the one that the fewest
/// typing errors (a letter missing, added, wrong, or swapped with its neighbour) turn into `word`,
/// when they are few enough to be typing errors; the first of several.
[[nodiscard]] std::optional<std::string_view> nearest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// ` (did you mean "http"?)`, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace reeve::ipc
