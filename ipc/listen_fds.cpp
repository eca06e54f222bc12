#include "ipc/listen_fds.hpp"

#include <fcntl.h>
#include <fmt/format.h>
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
constexpr std::size_t kLongestName = 256;

/// The value of a variable, which is removed. Safe before any thread.
std::string take_variable(const char* name) {
  // NOLINTBEGIN(concurrency-mt-unsafe)
  const char* value = std::getenv(name);
  std::string taken = value == nullptr ? "" : value;
  ::unsetenv(name);
  // NOLINTEND(concurrency-mt-unsafe)
  return taken;
}

}  // namespace

std::vector<NamedFd> adopt_listen_fds(const std::function<void(const std::string&)>& warn) {
  const std::string pid = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  const std::string all_names = take_variable("LISTEN_FDNAMES");
  if (parse_number<pid_t>(pid) != ::getpid()) return {};

  std::vector<NamedFd> adopted;
  std::string_view names = all_names;
  const int end =
      kFirstListenFd + std::clamp(parse_number<int>(count).value_or(0), 0, kMostListenFds);
  for (int fd = kFirstListenFd; fd < end; ++fd) {
    std::string name(take_until(names, ':'));
    if (name.empty()) name = "unknown";  // The word of sd_listen_fds_with_names(3).
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
      adopted.push_back({std::move(name), UniqueFd(fd)});
    } else {
      warn(fmt::format("LISTEN_FDS={} promises descriptor {} ({}), which is not open; ignoring it",
                       count, fd, printable(name, kLongestName)));
    }
  }
  return adopted;
}

}  // namespace reeve::ipc
