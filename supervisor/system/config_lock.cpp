#include "supervisor/system/config_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>

#include "ipc/file_id.hpp"
#include "supervisor/system/runtime_dir.hpp"
#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

/// The pid in a line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF", if it is
/// about the inode. (Its device is not the one that stat(2) tells on every file system.)
std::optional<pid_t> holder_in(std::string_view line, std::uint64_t inode) {
  [[maybe_unused]] const auto number = next_word(line);
  if (next_word(line) != "FLOCK") return std::nullopt;
  [[maybe_unused]] const auto advisory = next_word(line);
  [[maybe_unused]] const auto write = next_word(line);
  const auto pid = next_word(line);
  const std::string_view file = next_word(line).value_or("");
  if (!pid || file.substr(file.rfind(':') + 1) != fmt::to_string(inode)) return std::nullopt;
  return ipc::parse_number<pid_t>(*pid);
}

/// Whether the process has the lock of the directory open, also one that was removed. Nobody else
/// may look; but then it could not have that directory either.
bool runs_in(pid_t pid, const std::string& runtime_dir) {
  std::error_code unknown;
  const std::string lock =
      std::filesystem::weakly_canonical(lock_path(runtime_dir), unknown).string();
  const std::string directory = fmt::format("/proc/{}/fd", pid);
  bool found = false;
  for_each_name_in(directory, [&](std::string_view name) {
    const std::string file = link_target(fmt::format("{}/{}", directory, name));
    found = file == lock || file == lock + " (deleted)";
    return !found;
  });
  return found;
}

}  // namespace

std::optional<pid_t> ConfigLock::take() {
  if (path_.empty()) return std::nullopt;
  ipc::UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  const auto file = ipc::file_id_of(fd.get());
  if (!file || file == ipc::file_id_of(lock_.get())) return std::nullopt;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
    lock_ = std::move(fd);
    return std::nullopt;
  }
  const auto locks = read_small_file("/proc/locks");
  std::string_view text = locks ? std::string_view(*locks) : "";
  while (const auto line = next_line(text)) {
    const auto holder = holder_in(*line, file->inode);
    if (holder && *holder != ::getpid() && runs_in(*holder, runtime_dir_)) return holder;
  }
  return std::nullopt;
}

}  // namespace reeve::supervisor
