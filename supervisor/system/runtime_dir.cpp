#include "supervisor/system/runtime_dir.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr mode_t kRuntimeDirMode = 0750;
constexpr mode_t kPidFileMode = 0644;
constexpr mode_t kLockMode = 0600;  // A reader could lock it, and keep every master out.

std::unexpected<RuntimeDir::Refusal> refuse(std::string_view tried, const std::string& path,
                                            int code) {
  return std::unexpected(RuntimeDir::Refusal{
      .text = fmt::format(
          "supervisor.runtime_dir: cannot {} {}: {}; give the master a directory that it "
          "can write to",
          tried, path, ipc::errno_text(code))});
}

/// mkdir -p. Returns an errno, 0 when the directory is there.
int make_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0755) != 0 && errno != EEXIST) return errno;
  }
  if (::mkdir(path.c_str(), kRuntimeDirMode) == 0 || errno == EEXIST) return 0;
  return errno;
}

std::string first_line(int fd) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  const std::string_view read(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return ipc::printable(read.substr(0, read.find('\n')), text.size());
}

/// The pid in a file of its own, for scripts.
bool write_pid(int fd) {
  const std::string pid = fmt::format("{}\n", ::getpid());
  return ::ftruncate(fd, 0) == 0 &&
         ::pwrite(fd, pid.data(), pid.size(), 0) == static_cast<ssize_t>(pid.size());
}

}  // namespace

std::expected<RuntimeDir, RuntimeDir::Refusal> RuntimeDir::hold(const std::string& path) {
  if (const int code = make_directories(path)) return refuse("make", path, code);

  const std::string lock_path = path + "/reeve.lock";
  ipc::UniqueFd lock(
      ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!lock) return refuse("open", lock_path, errno);
  // An older version has made it readable for others.
  [[maybe_unused]] const int tolerated = ::fchmod(lock.get(), kLockMode);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refuse("lock", lock_path, errno);
    return std::unexpected(
        Refusal{.held_by_another = true,
                .text = fmt::format(
                    "another master (pid {}) holds {}; stop it with `reevectl shutdown`, or set "
                    "supervisor.runtime_dir to another directory",
                    first_line(lock.get()), path)});
  }
  if (!write_pid(lock.get())) return refuse("write", lock_path, errno);

  const std::string pid_path = path + "/reeve.pid";
  const ipc::UniqueFd pid_file(
      ::open(pid_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kPidFileMode));
  if (!pid_file) return refuse("write", pid_path, errno);
  // A master that ends as it should removes the file.
  auto dead_master = ipc::parse_number<pid_t>(first_line(pid_file.get()));
  if (dead_master == ::getpid()) dead_master.reset();
  if (!write_pid(pid_file.get())) return refuse("write", pid_path, errno);
  return RuntimeDir(path, std::move(lock), dead_master);
}

RuntimeDir::~RuntimeDir() {
  if (lock_) ::unlink((path_ + "/reeve.pid").c_str());
}

}  // namespace reeve::supervisor
