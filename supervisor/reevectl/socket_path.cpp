#include "supervisor/reevectl/socket_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <variant>

#include "ipc/format/document.hpp"
#include "ipc/runtime_dir.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::document::Entry;
using ipc::document::Table;
using ipc::document::Value;

/// The value of a key of a table; null when there is neither.
const Value* find(const Value* table, std::string_view key) {
  const auto* entries = table == nullptr ? nullptr : std::get_if<Table>(&table->data);
  if (entries == nullptr) return nullptr;
  const auto found = std::ranges::find(*entries, key, &Entry::key);
  return found == entries->end() ? nullptr : &found->value;
}

ipc::Result<std::string> runtime_dir_of(const std::string& config_path) {
  // A read of a directory would throw.
  if (std::error_code ignored; std::filesystem::is_directory(config_path, ignored)) {
    return ipc::system_error("read", config_path, EISDIR);
  }
  std::ifstream file(config_path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return ipc::system_error("read", config_path, errno);
  const auto document = ipc::document::parse_document(text);
  if (!document) {
    const auto& [at, why] = document.error();
    return ipc::failure(fmt::format("{}:{}:{}: {}", config_path, at.line, at.column, why));
  }
  const Value* named = find(find(&*document, "supervisor"), "runtime_dir");
  const auto* path = named == nullptr ? nullptr : std::get_if<std::string>(&named->data);
  return path == nullptr ? ipc::default_runtime_dir() : *path;
}

}  // namespace

ipc::Result<std::string> find_socket(const std::string& socket, const std::string& config_path) {
  if (!socket.empty()) {
    constexpr std::string_view kScheme = "unix://";
    if (socket.starts_with(kScheme)) return socket.substr(kScheme.size());
    if (!socket.contains("://")) return socket;
    return ipc::failure(
        fmt::format("{}: the master listens on a Unix socket: unix://PATH", socket));
  }
  if (config_path.empty()) return ipc::control_socket_path(ipc::default_runtime_dir());
  const auto runtime_dir = runtime_dir_of(config_path);
  if (!runtime_dir) return std::unexpected(runtime_dir.error());
  return ipc::control_socket_path(*runtime_dir);
}

}  // namespace reeve::supervisor::ctl
