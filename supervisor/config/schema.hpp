#pragma once
// The keys of a configuration file, as data. Pure.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/config.hpp"
#include "supervisor/config/keys.hpp"

namespace reeve::supervisor::config {

extern const std::array<Key<SupervisorConfig>, 10> kSupervisorKeys;  ///< of [supervisor]
extern const std::array<Key<ListenerConfig>, 6> kListenerKeys;       ///< of [listen.NAME]
extern const std::array<Key<PoolConfig>, 39> kPoolKeys;              ///< of [pool.NAME]

/// One line of the documentation.
struct DocumentedKey {
  std::string path;  ///< "pool.NAME.backoff.first"
  Need need;
  std::string_view fallback;
  std::string_view meaning;
};

/// Every key that is known, in the order in which a reader should meet them.
[[nodiscard]] std::vector<DocumentedKey> documented_keys();

}  // namespace reeve::supervisor::config
