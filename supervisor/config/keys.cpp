#include "supervisor/config/keys.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace reeve::supervisor::config {
namespace {

/// The part of the schema that a table is held against: the names that begin with `prefix`.
struct Known {
  std::span<const KeyName> keys;
  std::string prefix;  // "", "backoff."

  [[nodiscard]] bool is_table(const std::string& name) const {
    return std::ranges::any_of(
        keys, [&](const KeyName& key) { return key.name.starts_with(name + "."); });
  }

  /// What may stand here, each once.
  [[nodiscard]] std::vector<std::string_view> words() const {
    std::vector<std::string_view> words;
    for (const auto& [name, need] : keys) {
      if (!name.starts_with(prefix)) continue;
      const std::string_view rest = name.substr(prefix.size());
      const std::string_view word = rest.substr(0, rest.find('.'));
      if (std::ranges::find(words, word) == words.end()) words.push_back(word);
    }
    return words;
  }
};

void check_table(const Cell& cell, const Known& known) {
  const Table* table = cell.table();
  if (!table) return;
  for (const Entry& entry : *table) {
    const std::string name = known.prefix + entry.key;
    // A quoted key may hold a dot of its own: 'backoff.first' = 1 is not backoff = { first = 1 }.
    const bool plain = !entry.key.contains('.');
    if (plain && known.is_table(name)) {
      check_table(cell.child(entry), {.keys = known.keys, .prefix = name + "."});
    } else if (!plain || std::ranges::find(known.keys, name, &KeyName::name) == known.keys.end()) {
      cell.refuse_unknown(entry, "key", known.words());
    }
  }
}

}  // namespace

void check_keys(const Cell& cell, std::span<const KeyName> known) {
  check_table(cell, {.keys = known, .prefix = ""});
  for (const auto& [name, need] : known) {
    if (need == Need::Required && !cell.find(name)) {
      cell.refuse(fmt::format("no \"{}\", which is required", name));
    }
  }
}

}  // namespace reeve::supervisor::config
