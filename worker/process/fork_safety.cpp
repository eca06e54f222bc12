#include "worker/process/fork_safety.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <fstream>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "ipc/base/counted.hpp"
#include "ipc/base/text.hpp"
#include "ipc/listener.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMostNamed = 8;
constexpr std::size_t kLongestName = 120;
#ifdef __SANITIZE_THREAD__
constexpr bool kSanitizerHasAThread = true;
#else
constexpr bool kSanitizerHasAThread = false;
#endif

/// The entries of a directory of numbers. The descriptor that reads them is among those of fd.
std::vector<int> numbers_in(const char* path) {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path));
  std::vector<int> numbers;
  while (directory) {
    const dirent* entry = ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe): its own.
    if (entry == nullptr) break;
    const auto number = ipc::parse_number<int>(entry->d_name);
    if (number && *number != ::dirfd(directory.get())) numbers.push_back(*number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

int option(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

std::string_view family_of(int fd) {
  const int type = option(fd, SO_TYPE);
  switch (option(fd, SO_DOMAIN)) {
    case AF_UNIX:
      return "Unix";
    case AF_INET:
    case AF_INET6:
      return type == SOCK_STREAM ? "TCP" : type == SOCK_DGRAM ? "UDP" : "IP";
    case AF_NETLINK:
      return "netlink";
    default:
      return "other";
  }
}

EarlyDescriptor describe_socket(int fd) {
  const std::string local = ipc::local_address(fd);
  const auto peer = ipc::peer_address(fd);
  const bool listens = option(fd, SO_ACCEPTCONN) > 0;
  EarlyDescriptor found{.fd = fd, .what = "", .listens = listens};
  if (peer) {
    found.what = fmt::format("{} connection {} -> {}", family_of(fd), local.empty() ? "?" : local,
                             peer->empty() ? "?" : *peer);
  } else {
    found.what = fmt::format("{} {}{}{}", family_of(fd), listens ? "listener" : "socket",
                             local.empty() ? "" : " ", local);
  }
  return found;
}

/// "epoll" of "anon_inode:[eventpoll]"; nothing for what may be there.
std::optional<std::string_view> kind_of(std::string_view link) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kKinds{
      {{"[eventpoll]", "epoll"},
       {"[eventfd]", "eventfd"},
       {"[timerfd]", "timerfd"},
       {"[signalfd]", "signalfd"},
       {"[io_uring]", "io_uring"},
       {"inotify", "inotify"},
       {"[fanotify]", "fanotify"}}};
  constexpr std::string_view kAnonymous = "anon_inode:";
  if (!link.starts_with(kAnonymous)) return std::nullopt;
  link.remove_prefix(kAnonymous.size());
  for (const auto& [name, kind] : kKinds) {
    if (link == name) return kind;
  }
  return std::nullopt;
}

std::optional<EarlyDescriptor> look_at(int fd) {
  std::array<char, PATH_MAX> target{};
  const auto path = fmt::format("/proc/self/fd/{}", fd);
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size <= 0) return std::nullopt;
  const std::string_view link(target.data(), static_cast<std::size_t>(size));
  std::optional<EarlyDescriptor> found;
  if (link.starts_with("socket:")) {
    found = describe_socket(fd);
  } else if (const auto kind = kind_of(link)) {
    found = EarlyDescriptor{.fd = fd, .what = std::string(*kind)};
  }
  if (found) found->closes_on_exec = (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
  return found;
}

std::string name_of_thread(int id) {
  std::ifstream comm(fmt::format("/proc/self/task/{}/comm", id));
  std::string name;
  std::getline(comm, name);
  return ipc::printable(name, kLongestName);
}

/// The sanitizer's thread comes before the first one that the program starts, and is named like the
/// program.
void forget_that_of_the_sanitizer(std::vector<std::string>& threads) {
  if (!kSanitizerHasAThread) return;
  const auto found = std::ranges::find(threads, name_of_thread(::gettid()));
  if (found != threads.end()) threads.erase(found);
}

/// "2 threads ("a", "b")", the first of many named.
std::string list(std::string_view kind, const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMostNamed);
  return fmt::format(
      "{} ({}{})", ipc::counted(names.size(), kind),
      fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
      shown < names.size() ? ", ..." : "");
}

}  // namespace

EarlyThings find_early_things(std::span<const int> expected) {
  EarlyThings things;
  for (const int id : numbers_in("/proc/self/task")) {
    if (id != ::gettid()) things.threads.push_back(name_of_thread(id));
  }
  forget_that_of_the_sanitizer(things.threads);
  for (const int fd : numbers_in("/proc/self/fd")) {
    if (fd <= STDERR_FILENO || std::ranges::count(expected, fd) > 0) continue;
    if (auto found = look_at(fd)) things.descriptors.push_back(std::move(*found));
  }
  return things;
}

EarlyVerdict judge(const EarlyThings& things, bool supervised) {
  std::vector<std::string> threads;
  for (const std::string& name : things.threads) threads.push_back(fmt::format("\"{}\"", name));
  std::vector<std::string> own;
  std::vector<std::string> inherited;
  for (const EarlyDescriptor& found : things.descriptors) {
    const bool is_own = found.closes_on_exec || (supervised && !found.listens);
    (is_own ? own : inherited).push_back(fmt::format("fd {}: {}", found.fd, found.what));
  }

  EarlyVerdict verdict;
  std::vector<std::string> parts;
  if (!threads.empty()) parts.push_back(list("thread", threads));
  if (!own.empty()) parts.push_back(list("descriptor", own));
  if (!parts.empty()) {
    verdict.refusal = fmt::format(
        "{} existed before the lifespan: most likely a client that a static initialiser made, or "
        "main() before run(); make it in a resource instead, app.resource<T>(name, open)",
        fmt::join(parts, " and "));
  }
  if (!inherited.empty()) {
    verdict.warning = fmt::format(
        "ignoring {}: inherited from whoever started this program, who should have closed it",
        list("descriptor", inherited));
  }
  return verdict;
}

}  // namespace reeve::worker
