#pragma once
// Which file a path leads to now, so that one's own can be told from another's of the same name.
// Any process, any thread; looks at the file system.

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>

#include "ipc/format/fields.hpp"

namespace reeve::ipc {

struct FileId {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  bool operator==(const FileId&) const = default;
};

/// None: nothing is there, or it cannot be looked at. Of a link, that of the link.
[[nodiscard]] inline std::optional<FileId> file_id(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return std::nullopt;
  return FileId{.device = info.st_dev, .inode = info.st_ino};
}

/// The same of an open file.
[[nodiscard]] inline std::optional<FileId> file_id_of(int fd) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return std::nullopt;
  return FileId{.device = info.st_dev, .inode = info.st_ino};
}

REEVE_FIELDS(FileId, device, inode)

}  // namespace reeve::ipc
