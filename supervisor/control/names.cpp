#include "supervisor/control/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "ipc/base/counted.hpp"
#include "ipc/base/nearest.hpp"
#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

/// What was asked of one pool so far.
struct Asked {
  bool whole = false;
  SlotSet slots;
};

std::string hint(std::string_view name, const std::vector<KnownPool>& known) {
  std::vector<std::string_view> names;
  for (const KnownPool& pool : known) names.push_back(pool.name);
  return fmt::format("no pool named \"{}\"{}", name, ipc::did_you_mean(name, names));
}

/// Adds one name to what was asked; the reason when it means nothing.
std::optional<std::string> add(std::string_view name, const std::vector<KnownPool>& known,
                               std::vector<Asked>& asked) {
  if (name == "all") {
    for (Asked& pool : asked) pool.whole = true;
    return std::nullopt;
  }
  const std::size_t colon = std::min(name.find(':'), name.size());
  const std::string_view pool_name = name.substr(0, colon);
  const auto pool = std::ranges::find(known, pool_name, &KnownPool::name);
  if (pool == known.end()) return hint(pool_name, known);
  Asked& ask = asked[static_cast<std::size_t>(pool - known.begin())];

  const std::string_view rest = name.substr(std::min(colon + 1, name.size()));
  if (rest.empty() || rest == "*") {
    ask.whole = true;
    return std::nullopt;
  }
  const auto index = ipc::parse_number<int>(rest);
  if (!index || *index < 0 || *index >= pool->slots) {
    std::string has = fmt::format("{} has {}", pool->name, ipc::counted(pool->slots, "process"));
    if (pool->slots <= 1) return has;
    return fmt::format("{}, {}:0 to {}:{}", has, pool->name, pool->name, pool->slots - 1);
  }
  ask.slots.insert(*index);
  return std::nullopt;
}

}  // namespace

ResolvedNames resolve_names(const std::vector<std::string>& names,
                            const std::vector<KnownPool>& known) {
  ResolvedNames resolved;
  std::vector<Asked> asked(known.size(), Asked{.whole = names.empty(), .slots = {}});
  for (const std::string& name : names) {
    if (auto wrong = add(name, known, asked)) {
      resolved.unknown.push_back(no_such_process(name, std::move(*wrong)));
    }
  }
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (asked[i].whole) {
      resolved.targets.push_back({known[i].name, {}});
    } else if (!asked[i].slots.empty()) {
      resolved.targets.push_back({known[i].name, std::move(asked[i].slots)});
    }
  }
  return resolved;
}

}  // namespace reeve::supervisor
