#include "supervisor/config/user.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr int kMostGroups = 65536;  // NGROUPS_MAX of the kernel.

/// An id by number. The highest means "leave it as it is" to setresuid(2): whoever asked for it
/// would stay root.
std::optional<std::uint32_t> parse_id(const std::string& text) {
  static_assert(std::is_same_v<uid_t, std::uint32_t>);
  static_assert(std::is_same_v<gid_t, std::uint32_t>);
  auto id = ipc::parse_number<std::uint32_t>(text);
  if (id == std::numeric_limits<std::uint32_t>::max()) id.reset();
  return id;
}

/// By name, else by number. The result lives in the C library: one thread, used at once.
const passwd* find_passwd(const std::string& text) {
  if (const passwd* named = ::getpwnam(text.c_str())) return named;
  const auto number = parse_id(text);
  return number ? ::getpwuid(*number) : nullptr;
}

std::optional<gid_t> find_gid(const std::string& text) {
  if (const group* named = ::getgrnam(text.c_str())) return named->gr_gid;
  return parse_id(text);
}

std::vector<gid_t> groups_of(const std::string& name, gid_t gid) {
  if (name.empty()) return {gid};
  int count = 32;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  while (::getgrouplist(name.c_str(), gid, groups.data(), &count) < 0) {
    if (count > kMostGroups || static_cast<std::size_t>(count) <= groups.size()) return {gid};
    groups.resize(static_cast<std::size_t>(count));
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

}  // namespace

FoundUser find_user(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string name = text.substr(0, colon);
  User user;
  bool has_group = false;
  if (const passwd* known = find_passwd(name)) {
    user = {.uid = known->pw_uid,
            .gid = known->pw_gid,
            .groups = {},
            .name = known->pw_name,
            .home = known->pw_dir};
    has_group = true;
  } else if (const auto number = parse_id(name)) {
    user.uid = *number;
  } else {
    return std::unexpected(fmt::format("no user {} on this machine", config::in_quotes(name)));
  }
  if (colon != std::string::npos) {
    const std::string group = text.substr(colon + 1);
    const auto gid = find_gid(group);
    if (!gid) {
      return std::unexpected(fmt::format("no group {} on this machine", config::in_quotes(group)));
    }
    user.gid = *gid;
  } else if (!has_group) {
    return std::unexpected(
        fmt::format("the user {0} has no name on this machine and so no group; "
                    "name one, as in \"{0}:{0}\"",
                    name));
  }
  user.groups = groups_of(user.name, user.gid);
  return user;
}

namespace config {

void read_user(const Cell& cell, std::string& to) {
  const auto text = cell.text("a string such as \"shop\" or \"shop:group\"");
  if (!text) return;
  const std::size_t colon = text->find(':');
  const bool two = colon != std::string::npos;
  const std::string group = two ? text->substr(colon + 1) : "";
  if (text->substr(0, colon).empty() || (two && group.empty()) || group.contains(':')) {
    return cell.expected("a string such as \"shop\" or \"shop:group\"");
  }
  to = *text;
}

void check_user(Sourced<PoolConfig>& pool, const FindUser& find) {
  const std::string& text = pool.value.user;
  if (text.empty()) return;
  const Cell cell = *pool.table.find("user");
  auto user = find(text);
  if (!user) return cell.refuse(user.error());
  const std::string name = text.substr(0, text.find(':'));
  if (user->uid == 0 && name != "root" && parse_id(name) != 0U) {
    // Whoever answers for the database could make a root of anyone.
    return cell.refuse(fmt::format("{} is root by another name; write \"root\"", in_quotes(name)));
  }
  const bool oneself = user->uid == ::geteuid() && user->gid == ::getegid();
  if (::geteuid() != 0 && !oneself) {
    return cell.refuse(fmt::format(
        "only root can start workers as {}; run reeve as root, or remove it", in_quotes(text)));
  }
  pool.value.run_as = std::move(*user);
}

void check_owner(Sourced<ListenerConfig>& listener, const FindUser& find) {
  ListenerConfig& config = listener.value;
  if (config.owner.empty() && config.group.empty()) return;
  const Cell cell = *listener.table.find(config.owner.empty() ? "group" : "owner");
  // One question for both, since the answer comes from another process.
  const auto found = find((config.owner.empty() ? "0" : config.owner) + ":" +
                          (config.group.empty() ? "0" : config.group));
  if (!found) return cell.refuse(found.error());
  if (!config.owner.empty()) config.uid = found->uid;
  if (!config.group.empty()) config.gid = found->gid;
  const bool foreign = config.uid && *config.uid != ::geteuid();
  if (::geteuid() != 0 && foreign) {
    cell.refuse("only root can give a file to another user; run reeve as root, or remove it");
  }
}

}  // namespace config
}  // namespace reeve::supervisor
