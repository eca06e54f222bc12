#pragma once
// The key `user`: whom a pool's workers run as. Asks the machine's user database, which may read
// files and block: start-up and reload only.

#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "supervisor/config/checks.hpp"

namespace reeve::supervisor {

/// Everything that a child needs to become somebody else without asking any more.
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  ///< supplementary ones, for setgroups(2)
  std::string name;           ///< empty: a number that the database does not know
  std::string home;           ///< empty: none

  bool operator==(const User&) const = default;
};

/// "shop" or "shop:group", each a name or a number. The error says who there is not: `no user
/// "shop" on this machine`.
[[nodiscard]] std::expected<User, std::string> find_user(const std::string& text);

namespace config {

void read_user(const Cell& cell, std::string& to);

/// The user exists, and this process may become it.
void check_user(const Sourced<PoolConfig>& pool);

}  // namespace config
}  // namespace reeve::supervisor
