#pragma once
// What a process is called, in the log, in `reevectl` and in its own environment. Pure.

#include <string>
#include <string_view>

namespace reeve::supervisor {

/// Ends the name of a pool that is a rehearsal of another one; no configured pool has a colon.
inline constexpr std::string_view kRehearsalSuffix = ":rehearsal";

/// "web:0"; "web:rehearsal" for the only worker of a pool that is called so.
[[nodiscard]] inline std::string process_name(const std::string& pool, int slot) {
  return pool.ends_with(kRehearsalSuffix) ? pool : pool + ":" + std::to_string(slot);
}

}  // namespace reeve::supervisor
