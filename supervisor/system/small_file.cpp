#include "supervisor/system/small_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <memory>

#include "ipc/base/text.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {
ipc::Result<std::string> read_small_file(const std::string& path, std::size_t max_bytes) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return ipc::system_error("read", path, errno);
  std::string text;
  char chunk[4096];
  while (text.size() < max_bytes) {
    const ssize_t size = ::read(fd.get(), chunk, std::min(sizeof(chunk), max_bytes - text.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return ipc::system_error("read", path, errno);
    if (size == 0) break;
    text.append(chunk, static_cast<std::size_t>(size));
  }
  return text;
}

ipc::Result<> write_small_file(const std::string& path, std::string_view text) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return ipc::system_error("write", path, errno);
  }
  return {};
}

std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key) {
  while (auto line = next_line(text)) {
    if (next_word(*line) != key) continue;
    const auto number = next_word(*line);
    return number ? ipc::parse_number<std::uint64_t>(*number) : std::nullopt;
  }
  return std::nullopt;
}

bool for_each_name_in(const std::string& directory,
                      const std::function<bool(std::string_view)>& on_name) {
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
  if (open == nullptr) return false;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread.
  while (const dirent* entry = ::readdir(open.get())) {
    if (entry->d_name[0] != '.' && !on_name(entry->d_name)) break;
  }
  return true;
}

std::vector<pid_t> pids_in(std::string_view text) {
  std::vector<pid_t> pids;
  while (const auto word = next_word(text)) {
    if (const auto pid = ipc::parse_number<pid_t>(*word); pid && *pid > 1) pids.push_back(*pid);
  }
  return pids;
}

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target;
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : "";
}

}  // namespace reeve::supervisor
