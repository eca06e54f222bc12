#include "supervisor/config/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

}  // namespace

ipc::Result<std::string> read_text_file(const std::string& path) {
  const ipc::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return ipc::system_error("cannot", "open it", errno);
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
