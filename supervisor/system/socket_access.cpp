#include "supervisor/system/socket_access.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace reeve::supervisor {
namespace {

bool is_in(const User& who, gid_t group) {
  return who.gid == group || std::ranges::find(who.groups, group) != who.groups.end();
}

bool allows(const User& who, const std::string& path, unsigned wanted) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (who.uid == 0) return true;
  const unsigned shift = who.uid == info.st_uid ? 6 : is_in(who, info.st_gid) ? 3 : 0;
  return (info.st_mode >> shift & wanted) == wanted;
}

}  // namespace

bool can_reach(const User& who, const std::string& path) {
  constexpr unsigned kSearch = 1;
  constexpr unsigned kWrite = 2;
  if (path.starts_with('@')) return true;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (!allows(who, path.substr(0, slash), kSearch)) return false;
  }
  return allows(who, path, kWrite);
}

/// Nothing secret lies open by that: the control socket and the lock have modes of their own, and
/// who sends to the notify socket is known from the kernel.
Access make_reachable(const User& who, const std::string& path) {
  Access access{.reaches = can_reach(who, path), .opened = {}};
  if (access.reaches) return access;
  struct stat info{};
  const std::string directory = path.substr(0, path.rfind('/'));
  if (::stat(directory.c_str(), &info) == 0 && info.st_uid == ::geteuid()) {
    const mode_t before = info.st_mode & 07777;
    const mode_t after = before | (is_in(who, info.st_gid) ? S_IXGRP : S_IXOTH);
    if (after != before && ::chmod(directory.c_str(), after) == 0) {
      access.opened = fmt::format("{} had mode {:04o} and has {:04o}", directory, before, after);
    }
  }
  ::chmod(path.c_str(), 0666);
  access.reaches = can_reach(who, path);
  return access;
}

}  // namespace reeve::supervisor
