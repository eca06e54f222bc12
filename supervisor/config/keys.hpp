#pragma once
// A table of configuration keys is data: each row says a key's name, its default, its meaning, and
// how it is read. Known keys, suggestions, reading and the table of
// supervisor/docs/configuration.md all come from it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "supervisor/config/cell.hpp"

namespace reeve::supervisor::config {

enum class Need : std::uint8_t { Required, Optional };

struct KeyName {
  std::string_view name;  ///< below its table, dotted: "backoff.first"
  Need need;
};

template <class T>
struct Key {
  std::string_view name;
  Need need;
  std::string_view fallback;  ///< as it would be written in a file, or a word about it
  std::string_view meaning;
  void (*read)(const Cell& cell, T& to);
};

/// Complains about each key of the table that `known` does not have, and about each required one
/// that is missing.
void check_keys(const Cell& cell, std::span<const KeyName> known);

/// Reads the table `cell` into `to`. Keys that are absent leave their member as it is.
template <class T, std::size_t N>
void read_table(const Cell& cell, const std::array<Key<T>, N>& keys, T& to) {
  if (!cell.table()) return;
  std::array<KeyName, N> known;
  std::ranges::transform(keys, known.begin(),
                         [](const Key<T>& key) { return KeyName{key.name, key.need}; });
  check_keys(cell, known);
  for (const Key<T>& key : keys) {
    if (const auto found = cell.find(key.name)) key.read(*found, to);
  }
}

}  // namespace reeve::supervisor::config
