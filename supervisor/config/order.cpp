// The key `after`: which pool is up before which.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "ipc/base/nearest.hpp"
#include "supervisor/config/checks.hpp"

namespace reeve::supervisor::config {
namespace {

using Pools = std::vector<Sourced<PoolConfig>>;

const Sourced<PoolConfig>* find_pool(const Pools& pools, std::string_view name) {
  const auto found = std::ranges::find_if(
      pools, [name](const auto& pool) { return pool.value.spec.name == name; });
  return found == pools.end() ? nullptr : &*found;
}

/// Each name by itself.
void check_names(const Sourced<PoolConfig>& pool, const Pools& pools) {
  const auto after = pool.table.find("after");
  if (!after || pool.value.after.empty()) return;
  std::vector<std::string_view> known;
  for (const auto& other : pools) {
    if (&other != &pool) known.push_back(other.value.spec.name);
  }
  std::set<std::string_view> seen;
  for (const Cell& element : after->elements()) {
    const auto& name = std::get<std::string>(element.value().data);
    if (name == pool.value.spec.name) {
      element.refuse("a pool cannot wait for itself; remove it");
    } else if (std::ranges::find(known, name) == known.end()) {
      const std::string meant = ipc::did_you_mean(name, known);
      element.refuse(
          fmt::format("no pool named {}{}", in_quotes(name),
                      meant.empty() ? fmt::format("; add a table [pool.{}]", name) : meant));
    } else if (!seen.insert(name).second) {
      element.refuse(fmt::format("{} is listed twice; remove one", in_quotes(name)));
    }
  }
}

enum class Mark : std::uint8_t { New, OnPath, Done };

/// Finds cycles depth first. The path is kept by hand: a file may chain thousands of pools.
class CycleFinder {
 public:
  explicit CycleFinder(const Pools& pools) : pools_(pools), marks_(pools.size(), Mark::New) {}

  void check() {
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      if (marks_[i] == Mark::New) walk_from(i);
    }
  }

 private:
  struct Step {
    std::size_t pool;
    std::size_t next = 0;  // The next entry of its `after`.
  };

  void walk_from(std::size_t start) {
    enter(start);
    while (!path_.empty()) {
      auto& [pool, next] = path_.back();
      const auto& after = pools_[pool].value.after;
      if (next == after.size()) {
        marks_[pool] = Mark::Done;
        path_.pop_back();
        continue;
      }
      const Sourced<PoolConfig>* other = find_pool(pools_, after[next++]);
      if (!other || other == &pools_[pool]) continue;  // Complained about by name.
      const auto index = static_cast<std::size_t>(other - pools_.data());
      if (marks_[index] == Mark::New) {
        enter(index);
      } else if (marks_[index] == Mark::OnPath) {
        complain(index);
      }
    }
  }

  void enter(std::size_t pool) {
    marks_[pool] = Mark::OnPath;
    path_.push_back({pool});
  }

  /// The path from `start` to its end leads back to `start`.
  void complain(std::size_t start) const {
    const auto begin = std::ranges::find(path_, start, &Step::pool);
    std::vector<std::string_view> names;
    for (auto step = begin; step != path_.end(); ++step) names.push_back(name(step->pool));
    names.push_back(name(start));
    pools_[start].table.find("after")->refuse(
        fmt::format("each of these pools waits for the next, so none would start: {}; remove one",
                    fmt::join(names, " after ")));
  }

  [[nodiscard]] std::string_view name(std::size_t pool) const {
    return pools_[pool].value.spec.name;
  }

  const Pools& pools_;
  std::vector<Mark> marks_;
  std::vector<Step> path_;
};

}  // namespace

void check_order(const Pools& pools) {
  for (const Sourced<PoolConfig>& pool : pools) check_names(pool, pools);
  CycleFinder(pools).check();
}

}  // namespace reeve::supervisor::config
