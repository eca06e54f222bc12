// Alone: it reads /proc, which nothing else of the watch does.

#include "worker/diagnosis/thread_times.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <string>

#include "ipc/base/unique_fd.hpp"

namespace reeve::worker {

std::optional<ThreadTimes> parse_thread_times(std::string_view text) {
  std::array<std::int64_t, 2> ns{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::int64_t& one : ns) {
    while (at != end && *at == ' ') ++at;
    const auto [next, error] = std::from_chars(at, end, one);
    if (error != std::errc() || one < 0) return std::nullopt;
    at = next;
  }
  return ThreadTimes{std::chrono::nanoseconds(ns[0]), std::chrono::nanoseconds(ns[1])};
}

std::optional<ThreadTimes> read_thread_times(pid_t tid) {
  const std::string path = fmt::format("/proc/self/task/{}/schedstat", tid);
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::array<char, 128> text;
  const ssize_t size = ::read(fd.get(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  return parse_thread_times({text.data(), static_cast<std::size_t>(size)});
}

}  // namespace reeve::worker
