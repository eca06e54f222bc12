// From a file, or its text, to a Config.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/document.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/config/read.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::unexpected<std::vector<ConfigError>> refuse(ConfigError error) {
  return std::unexpected(std::vector{std::move(error)});
}

ipc::Result<std::string> read_file(const std::string& path) {
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
    return ipc::failure(
        fmt::format("larger than {} bytes; is this the configuration?", kLargestFile));
  }
  text.resize(size);
  return text;
}

LoadResult parse(std::string_view text, const std::string& file, config::Depth depth) {
  const auto document = ipc::document::parse_document(text);
  if (!document) {
    const auto& [at, why] = document.error();
    return refuse({file, at.line, at.column, "not valid TOML: " + why});
  }
  auto read = config::read_document(*document, depth);
  if (read) return std::move(*read);
  std::vector<ConfigError> errors;
  for (const config::Problem& problem : read.error()) {
    const std::string subject = problem.path.empty() ? "" : problem.path + ": ";
    errors.push_back({file, problem.at.line, problem.at.column, subject + problem.text});
  }
  return std::unexpected(std::move(errors));
}

}  // namespace

LoadResult parse_config(std::string_view text, const std::string& file) {
  return parse(text, file, config::Depth::Text);
}

LoadResult load_config(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return refuse({path, 0, 0, text.error().text});
  return parse(*text, path, config::Depth::Machine);
}

std::string to_string(const ConfigError& error) {
  if (error.file.empty()) return error.text;
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.text);
  return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.text);
}

}  // namespace reeve::supervisor
