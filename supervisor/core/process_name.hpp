#pragma once
// What a process is called, in the log, in `reevectl` and in its own environment. Pure.

#include <cstddef>
#include <string>
#include <string_view>

namespace reeve::supervisor {

/// Ends the name of a pool that is a rehearsal of another one; no configured pool has a colon.
inline constexpr std::string_view kRehearsalSuffix = ":rehearsal";

/// "web:0", whatever the pool has beside it: what a worker finds in its environment, for its whole
/// life. "web:rehearsal" for the only worker of a pool that is called so.
[[nodiscard]] inline std::string slot_name(const std::string& pool, int slot) {
  return pool.ends_with(kRehearsalSuffix) ? pool : pool + ":" + std::to_string(slot);
}

/// What people read: "web:0" in a pool of several `slots`, "web" in a pool of one.
[[nodiscard]] inline std::string process_name(const std::string& pool, int slot,
                                              std::size_t slots) {
  return slot == 0 && slots <= 1 ? pool : slot_name(pool, slot);
}

}  // namespace reeve::supervisor
