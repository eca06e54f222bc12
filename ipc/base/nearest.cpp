#include "ipc/base/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace reeve::ipc {
namespace {

constexpr std::size_t kShortestBeginning = 3;
constexpr std::size_t kLongestWord = 64;  // Longer ones are no typing errors.

/// The optimal string alignment distance, by three rows of its matrix.
std::size_t typing_errors(std::string_view typed, std::string_view meant) {
  std::vector<std::size_t> before_last(meant.size() + 1);
  std::vector<std::size_t> last(meant.size() + 1);
  std::vector<std::size_t> row(meant.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});

  for (std::size_t i = 1; i <= typed.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= meant.size(); ++j) {
      const bool same = typed[i - 1] == meant[j - 1];
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped =
          i > 1 && j > 1 && typed[i - 1] == meant[j - 2] && typed[i - 2] == meant[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[meant.size()];
}

/// One in three letters, and one even in a short word.
std::size_t tolerated(std::string_view word) { return std::max<std::size_t>(1, word.size() / 3); }

}  // namespace

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> best;
  if (word.size() >= kShortestBeginning) {
    for (const std::string_view candidate : candidates) {
      const bool shorter = !best || candidate.size() < best->size();
      if (candidate.starts_with(word) && shorter) best = candidate;
    }
    if (best) return best;
  }
  std::size_t fewest = tolerated(word) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t errors = typing_errors(word, candidate);
    // Every letter wrong is another word, however short.
    if (errors >= fewest || errors >= candidate.size()) continue;
    fewest = errors;
    best = candidate;
  }
  return best;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  const auto meant = nearest(word, candidates);
  return meant ? fmt::format(" (did you mean \"{}\"?)", *meant) : "";
}

}  // namespace reeve::ipc
