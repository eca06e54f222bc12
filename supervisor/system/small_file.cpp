#include "supervisor/system/small_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

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

std::optional<std::string_view> next_line(std::string_view& text) {
  if (text.empty()) return std::nullopt;
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::optional<std::string_view> next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n"), text.size()));
  if (text.empty()) return std::nullopt;
  const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end);
  return word;
}

}  // namespace reeve::supervisor
