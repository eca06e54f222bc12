#include "supervisor/config/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "ipc/base/nearest.hpp"

namespace reeve::supervisor::config {
namespace {

/// The part of the schema that a table is held against: the names that begin with `prefix`.
struct Known {
  std::span<const KeyName> keys;
  std::string prefix;  // "", "backoff."

  [[nodiscard]] const KeyName* find(std::string_view name) const {
    const auto found = std::ranges::find(keys, name, &KeyName::name);
    return found == keys.end() ? nullptr : &*found;
  }

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

void refuse_unknown(const Cell& table, const Entry& entry, const Known& known) {
  const std::vector<std::string_view> words = known.words();
  std::string remedy = ipc::did_you_mean(entry.key, words);
  if (remedy.empty()) remedy = fmt::format("; known here: {}", fmt::join(words, ", "));
  table.refuse_key(entry, "unknown key" + remedy);
}

void check_table(const Cell& cell, const Known& known) {
  const Table* table = cell.table();
  if (!table) return;
  for (const Entry& entry : *table) {
    const std::string name = known.prefix + entry.key;
    // A quoted key may hold a dot of its own: 'backoff.first' = 1 is not backoff = { first = 1 }.
    const bool plain = !entry.key.contains('.');
    const KeyName* key = plain ? known.find(name) : nullptr;
    if (plain && known.is_table(name)) {
      check_table(cell.child(entry), {.keys = known.keys, .prefix = name + "."});
    } else if (!key) {
      refuse_unknown(cell, entry, known);
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
