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
#include "ipc/file_id.hpp"
#include "ipc/runtime_dir.hpp"

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

std::string pid_path(const std::string& directory) { return directory + "/reeve.pid"; }

/// Makes the directory if need be.
std::expected<ipc::UniqueFd, RuntimeDir::Refusal> take_lock(const std::string& directory) {
  if (const int code = make_directories(directory)) return refuse("make", directory, code);

  const std::string path = lock_path(directory);
  ipc::UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kLockMode));
  if (!lock) return refuse("open", path, errno);
  [[maybe_unused]] const int tolerated = ::fchmod(lock.get(), kLockMode);  // Of an older version.
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refuse("lock", path, errno);
    return std::unexpected(RuntimeDir::Refusal{
        .held_by_another = true, .text = held_by_another(first_line(lock.get()), directory)});
  }
  if (!write_pid(lock.get())) return refuse("write", path, errno);
  return lock;
}

ipc::UniqueFd open_pid_file(const std::string& directory) {
  return ipc::UniqueFd(
      ::open(pid_path(directory).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kPidFileMode));
}

}  // namespace

std::string lock_path(const std::string& directory) { return directory + "/reeve.lock"; }

std::string held_by_another(std::string_view pid, const std::string& directory) {
  return fmt::format(
      "another master (pid {}) holds {}; stop it with `reevectl -s {} shutdown`, or set "
      "supervisor.runtime_dir to another directory",
      pid, directory, ipc::control_socket_path(directory));
}

std::expected<RuntimeDir, RuntimeDir::Refusal> RuntimeDir::hold(const std::string& path) {
  auto lock = take_lock(path);
  if (!lock) return std::unexpected(std::move(lock.error()));

  RuntimeDir held(path, std::move(*lock), open_pid_file(path));
  const int pid_file = held.pid_file_.get();
  // A master that ends as it should removes the file.
  if (pid_file >= 0) held.dead_master_ = ipc::parse_number<pid_t>(first_line(pid_file));
  if (held.dead_master_ == ::getpid()) held.dead_master_.reset();
  if (pid_file < 0 || !write_pid(pid_file)) return refuse("write", pid_path(path), errno);
  return held;
}

RuntimeDir RuntimeDir::adopt(std::string path, ipc::UniqueFd lock) {
  ipc::UniqueFd pid_file(::open(pid_path(path).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return {std::move(path), std::move(lock), std::move(pid_file)};
}

bool RuntimeDir::in_place() const {
  return ipc::file_id_of(lock_.get()) == ipc::file_id(lock_path(path_)) && has_own_pid_file();
}

bool RuntimeDir::has_own_pid_file() const {
  const auto own = ipc::file_id_of(pid_file_.get());
  return own && own == ipc::file_id(pid_path(path_));
}

std::expected<void, RuntimeDir::Refusal> RuntimeDir::restore() {
  if (ipc::file_id_of(lock_.get()) != ipc::file_id(lock_path(path_))) {
    auto lock = take_lock(path_);
    if (!lock) return std::unexpected(std::move(lock.error()));
    if (::dup3(lock->get(), lock_.get(), O_CLOEXEC) < 0) return refuse("lock", path_, errno);
  }
  pid_file_ = open_pid_file(path_);
  if (!pid_file_ || !write_pid(pid_file_.get())) return refuse("write", pid_path(path_), errno);
  return {};
}

/// The pid in it would not tell: in containers that share the directory each master is pid 1.
RuntimeDir::~RuntimeDir() {
  if (lock_ && has_own_pid_file()) ::unlink(pid_path(path_).c_str());
}

}  // namespace reeve::supervisor
