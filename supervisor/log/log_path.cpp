#include "supervisor/log/log_path.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <string_view>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr int kMostLinks = 40;  // As the kernel has it.

bool is_ours(const struct stat& info) { return info.st_uid == 0 || info.st_uid == ::geteuid(); }

bool is_safe(const struct stat& directory) {
  const bool all_write = (directory.st_mode & S_IWOTH) != 0;
  return is_ours(directory) && (!all_write || (directory.st_mode & S_ISVTX) != 0);
}

void put_in_front(std::deque<std::string>& names, std::string_view path) {
  std::deque<std::string> more;
  while (!path.empty()) {
    if (const auto name = ipc::take_until(path, '/'); !name.empty()) more.emplace_back(name);
  }
  names.insert(names.begin(), more.begin(), more.end());
}

ipc::UniqueFd look_at(int directory, const std::string& name) {
  return ipc::UniqueFd(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

ipc::Result<PlaceOfFile> find_place(const std::string& path) {
  std::deque<std::string> names;
  put_in_front(names, path);
  ipc::UniqueFd directory = look_at(AT_FDCWD, "/");
  bool is_trusted = true;  // All directories so far.
  int links = 0;
  std::string name;
  while (directory && !names.empty()) {
    struct stat info{};
    if (::fstat(directory.get(), &info) != 0) break;
    is_trusted = is_trusted && is_safe(info);
    name = std::move(names.front());
    names.pop_front();
    // What was looked at is what is used, whatever is put in its place.
    ipc::UniqueFd found = look_at(directory.get(), name);
    if (!found && errno == ENOENT && names.empty()) return PlaceOfFile{std::move(directory), name};
    if (!found || ::fstat(found.get(), &info) != 0) break;
    if (S_ISLNK(info.st_mode)) {
      if (!is_trusted || !is_ours(info)) {
        return ipc::failure(fmt::format(
            "open {}: {} in it is a symbolic link that another user may have put there; name the "
            "file itself",
            path, name));
      }
      std::array<char, PATH_MAX> target{};
      const ssize_t size = ::readlinkat(found.get(), "", target.data(), target.size());
      if (size <= 0 || ++links > kMostLinks) {
        errno = ELOOP;
        break;
      }
      put_in_front(names, {target.data(), static_cast<std::size_t>(size)});
      if (target.front() == '/') directory = look_at(AT_FDCWD, "/");
    } else if (names.empty()) {
      return PlaceOfFile{std::move(directory), name};
    } else {
      directory = std::move(found);
    }
  }
  return ipc::system_error("open", path, errno == 0 ? EISDIR : errno);
}

}  // namespace reeve::supervisor
