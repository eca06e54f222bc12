#include "ipc/listen_fds.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

constexpr int kMostListenFds = 1024;

/// The value of a variable, which is removed. Safe before any thread.
std::string take_variable(const char* name) {
  // NOLINTBEGIN(concurrency-mt-unsafe)
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  // NOLINTEND(concurrency-mt-unsafe)
  return taken;
}

/// Cuts the first of the names that are separated by ':'.
std::string take_name(std::string_view& names) {
  const std::size_t end = std::min(names.find(':'), names.size());
  const std::string_view name = names.substr(0, end);
  names.remove_prefix(std::min(end + 1, names.size()));
  return std::string(name.empty() ? "unknown" : name);  // The word of sd_listen_fds_with_names(3).
}

}  // namespace

std::vector<NamedFd> adopt_listen_fds() {
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  const std::string all_names = take_variable("LISTEN_FDNAMES");
  if (parse_number<pid_t>(pid) != ::getpid()) return {};

  std::vector<NamedFd> adopted;
  std::string_view names = all_names;
  const int end =
      kFirstListenFd + std::clamp(parse_number<int>(count).value_or(0), 0, kMostListenFds);
  for (int fd = kFirstListenFd; fd < end; ++fd) {
    std::string name = take_name(names);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
      continue;  // Closed in between: its name goes with it.
    adopted.push_back({std::move(name), UniqueFd(fd)});
  }
  return adopted;
}

}  // namespace reeve::ipc
