#include "supervisor/ctl/socket_path.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string_view>

#include "ipc/runtime_dir.hpp"

// Compiled into this file, as in supervisor/config: one shared object less to load.
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace reeve::supervisor::ctl {
namespace {

ipc::Result<std::string> runtime_dir_of(const std::string& config_path) {
  std::ifstream file(config_path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return ipc::system_error("read", config_path, errno);
  try {
    const toml::table config = toml::parse(text);
    const auto runtime_dir = config["supervisor"]["runtime_dir"].value<std::string>();
    return runtime_dir.value_or(ipc::default_runtime_dir());
  } catch (const toml::parse_error& error) {
    const toml::source_position& at = error.source().begin;
    return ipc::failure(
        fmt::format("{}:{}:{}: {}", config_path, at.line, at.column, error.description()));
  }
}

}  // namespace

ipc::Result<std::string> find_socket(const std::string& socket, const std::string& config_path) {
  if (!socket.empty()) {
    constexpr std::string_view kScheme = "unix://";
    return socket.starts_with(kScheme) ? socket.substr(kScheme.size()) : socket;
  }
  if (config_path.empty()) return ipc::control_socket_path(ipc::default_runtime_dir());
  const auto runtime_dir = runtime_dir_of(config_path);
  if (!runtime_dir) return std::unexpected(runtime_dir.error());
  return ipc::control_socket_path(*runtime_dir);
}

}  // namespace reeve::supervisor::ctl
