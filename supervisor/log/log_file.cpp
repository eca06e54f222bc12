#include "supervisor/log/log_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr mode_t kMode = 0640;

std::string numbered(const PlaceOfFile& file, int number) {
  return fmt::format("{}.{}", file.name, number);
}

bool rename_to(const PlaceOfFile& file, const std::string& from, const std::string& to) {
  const int directory = file.directory.get();
  return ::renameat(directory, from.c_str(), directory, to.c_str()) == 0;
}

/// FILE.1 becomes FILE.2 and so on, up to the first number that is free: a place that an earlier
/// try has made is not made again. Stops where it cannot go on, so that nothing is overwritten but
/// the oldest.
bool make_room(const PlaceOfFile& file, int keep) {
  const auto is_there = [&file](int number) {
    return ::faccessat(file.directory.get(), numbered(file, number).c_str(), F_OK,
                       AT_SYMLINK_NOFOLLOW) == 0;
  };
  int free = 1;
  while (free < keep && is_there(free)) ++free;
  for (int number = free - 1; number >= 1; --number) {
    if (!rename_to(file, numbered(file, number), numbered(file, number + 1))) return false;
  }
  return true;
}

bool put_aside(const PlaceOfFile& file, int keep) {
  if (keep == 0) return ::unlinkat(file.directory.get(), file.name.c_str(), 0) == 0;
  return make_room(file, keep) && rename_to(file, file.name, numbered(file, 1));
}

}  // namespace

ipc::Result<LogFile> LogFile::open(std::string path, Rules rules) {
  LogFile file(std::move(path), rules);
  if (auto opened = file.reopen(); !opened) return std::unexpected(opened.error());
  return file;
}

ipc::Result<> LogFile::reopen() {
  auto place = find_place(path_);
  if (!place) return std::unexpected(place.error());
  // Not blocking, since the path may be that of a FIFO without a reader.
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  ipc::UniqueFd fd(
      ::openat(place->directory.get(), place->name.c_str(), kFlags | O_NOFOLLOW, kMode));
  struct stat info{};
  if (!fd || ::fstat(fd.get(), &info) != 0) return ipc::system_error("open", path_, errno);
  if (!S_ISREG(info.st_mode)) {
    return ipc::failure(fmt::format(
        "open {}: it is not a regular file; for a terminal or a pipe use \"stderr\"", path_));
  }
  place_ = std::move(*place);
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

/// FILE becomes FILE.1. One that cannot be put aside is tolerated: the file grows on, and the next
/// try is a whole file away.
void LogFile::rotate() {
  // What the configuration refuses, a master of an older version may have opened.
  if (path_.starts_with("/dev/")) return;
  int error = put_aside(place_, rules_.keep) || errno == ENOENT ? 0 : errno;
  if (const auto opened = reopen(); !opened && error == 0) error = opened.error().code;
  const bool is_new = !std::exchange(cannot_rotate_, error != 0);
  if (error == 0) return;
  size_ = 0;
  if (is_new) rotation_error_ = error;
}

}  // namespace reeve::supervisor
