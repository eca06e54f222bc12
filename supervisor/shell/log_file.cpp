#include "supervisor/shell/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr mode_t kMode = 0640;

}  // namespace

ipc::Result<LogFile> LogFile::open(std::string path, Rules rules) {
  LogFile file(std::move(path), rules);
  if (auto opened = file.reopen(); !opened) return std::unexpected(opened.error());
  return file;
}

ipc::Result<> LogFile::reopen() {
  // Not blocking, for whoever names a FIFO without a reader here.
  ipc::UniqueFd fd(::open(
      path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, kMode));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) return ipc::system_error("open", path_, errno);
  if (!S_ISREG(info.st_mode)) {
    return ipc::failure(fmt::format("open {}: it is not a regular file", path_));
  }
  fd_ = std::move(fd);
  size_ = static_cast<std::uint64_t>(info.st_size);
  torn_ = false;
  return {};
}

int LogFile::write(std::string_view line) {
  if (size_ > 0 && size_ + line.size() > rules_.max_size) rotate();
  if (torn_) {
    if (::write(fd_.get(), "\n", 1) != 1) return errno;
    torn_ = false;
    ++size_;
  }
  const ssize_t written = ::write(fd_.get(), line.data(), line.size());
  if (written < 0) return errno;
  size_ += static_cast<std::uint64_t>(written);
  torn_ = static_cast<std::size_t>(written) < line.size();
  return torn_ ? ENOSPC : 0;
}

/// FILE.1 becomes FILE.2 and so on, FILE becomes FILE.1. A rename that fails (of a file that is not
/// there yet, above all) is tolerated: at worst the file grows on.
void LogFile::rotate() {
  for (int number = rules_.keep - 1; number >= 1; --number) {
    ::rename(fmt::format("{}.{}", path_, number).c_str(),
             fmt::format("{}.{}", path_, number + 1).c_str());
  }
  if (rules_.keep > 0) {
    ::rename(path_.c_str(), fmt::format("{}.1", path_).c_str());
  } else {
    ::unlink(path_.c_str());
  }
  size_ = 0;  // Whatever comes: the next try is a whole file away.
  [[maybe_unused]] const auto tolerated = reopen();
}

}  // namespace reeve::supervisor
