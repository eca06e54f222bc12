#pragma once
// Limits how often like events are reported: the first of a name at once, later ones at most once
// in kPause, with the number of those that were left out. Pure. Bounded: names beyond kMostNames
// share one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "ipc/base/clock.hpp"

namespace reeve::worker {

class Repeats {
 public:
  static constexpr ipc::Duration kPause = std::chrono::seconds(30);
  static constexpr std::size_t kMostNames = 64;

  struct Untold {
    std::uint64_t count = 0;
    ipc::Duration longest{};
  };

  /// Whether this one is to be told; and with it, how many were not, since the last that was.
  [[nodiscard]] std::optional<Untold> admit(const std::string& name, ipc::TimePoint now) {
    Entry& entry = at(name);
    if (entry.told && now - *entry.told < kPause) {
      ++entry.untold.count;
      return std::nullopt;
    }
    entry.told = now;
    return std::exchange(entry.untold, {});
  }
  /// How long one that was not told of has lasted.
  void keep(const std::string& name, ipc::Duration lasted) {
    Entry& entry = at(name);
    entry.untold.longest = std::max(entry.untold.longest, lasted);
  }

 private:
  struct Entry {
    std::optional<ipc::TimePoint> told;
    Untold untold;
  };

  Entry& at(const std::string& name) {
    const bool is_new = !entries_.contains(name);
    return entries_[is_new && entries_.size() >= kMostNames ? std::string() : name];
  }

  std::map<std::string, Entry> entries_;
};

}  // namespace reeve::worker
