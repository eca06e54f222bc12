#include "supervisor/config/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

}  // namespace

ipc::Result<std::string> read_text_file(const std::string& path) {
  // Not blocking: a FIFO would wait for a writer, here and in the reads.
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  struct stat info{};
  if (!file || ::fstat(file.get(), &info) != 0) {
    return ipc::system_error("cannot", "open it", errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return ipc::failure(
        fmt::format("it is {}, and not a regular file",
                    S_ISDIR(info.st_mode) ? "a directory" : "a pipe, a socket or a device"));
  }
  std::string text(kLargestFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ipc::system_error("cannot", "read it", errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kLargestFile) {
    return ipc::failure(fmt::format("larger than {} bytes; is this the right file?", kLargestFile));
  }
  text.resize(size);
  return text;
}

}  // namespace reeve::supervisor::config
