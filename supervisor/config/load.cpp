// From a file, or its text, to a Config.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <utility>

#include "supervisor/config/config.hpp"
#include "supervisor/config/document.hpp"
#include "supervisor/config/read.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;

std::unexpected<std::vector<ConfigError>> refuse(ConfigError error) {
  return std::unexpected(std::vector{std::move(error)});
}

LoadResult parse(std::string_view text, const std::string& file, config::Depth depth) {
  const auto document = config::parse_document(text);
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
  std::ifstream file(path, std::ios::binary);
  std::string text;
  errno = 0;
  if (file) text.assign(std::istreambuf_iterator<char>(file), {});
  // Opening a directory succeeds, reading it does not.
  if (!file || errno != 0) {
    return refuse({path, 0, 0, fmt::format("cannot read the file: {}", ipc::errno_text(errno))});
  }
  if (text.size() > kLargestFile) {
    return refuse(
        {path, 0, 0, fmt::format("larger than {} bytes; is it a configuration?", kLargestFile)});
  }
  return parse(text, path, config::Depth::Machine);
}

std::string to_string(const ConfigError& error) {
  if (error.file.empty()) return error.text;
  if (error.line == 0) return fmt::format("{}: {}", error.file, error.text);
  return fmt::format("{}:{}:{}: {}", error.file, error.line, error.column, error.text);
}

}  // namespace reeve::supervisor
