#pragma once
// The names that an operator gives: "web", "web:" and "web:*" for a pool, "web:0" for one process
// of it, "all" for everything. Pure.

#include <string>
#include <vector>

#include "supervisor/control/verdicts.hpp"
#include "supervisor/core/event.hpp"

namespace reeve::supervisor {

struct KnownPool {
  std::string name;
  int slots = 0;
};

struct Target {
  std::string pool;
  SlotSet slots;  ///< empty: the whole pool

  bool operator==(const Target&) const = default;
};

struct ResolvedNames {
  std::vector<Target> targets;  ///< each pool at most once, in the order of `known`
  Verdicts unknown;             ///< one no_such_process for each name that means nothing
};

/// No name at all means everything.
[[nodiscard]] ResolvedNames resolve_names(const std::vector<std::string>& names,
                                          const std::vector<KnownPool>& known);

}  // namespace reeve::supervisor
