#include "supervisor/system/socket_access.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace reeve::supervisor {
namespace {

bool allows(const User& who, const std::string& path, unsigned wanted) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return false;
  if (who.uid == 0) return true;
  const bool in_group =
      who.gid == info.st_gid || std::ranges::find(who.groups, info.st_gid) != who.groups.end();
  const unsigned shift = who.uid == info.st_uid ? 6 : in_group ? 3 : 0;
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

/// Nothing secret lies open by that: the control socket has a mode of its own, and who sends to the
/// notify socket is known from the kernel.
bool make_reachable(const User& who, const std::string& path) {
  if (can_reach(who, path)) return true;
  struct stat info{};
  const std::string directory = path.substr(0, path.rfind('/'));
  if (::stat(directory.c_str(), &info) == 0 && info.st_uid == ::geteuid()) {
    ::chmod(directory.c_str(), (info.st_mode & 07777) | S_IXGRP | S_IXOTH);
  }
  ::chmod(path.c_str(), 0666);
  return can_reach(who, path);
}

}  // namespace reeve::supervisor
