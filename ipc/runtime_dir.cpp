// Alone: reeve and reevectl share this, and nothing else of how they start.

#include "ipc/runtime_dir.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace reeve::ipc {
namespace {

/// A variable's value; empty when it is not set.
std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
  return value == nullptr ? "" : value;
}

}  // namespace

std::string default_runtime_dir() {
  if (const std::string given = variable("RUNTIME_DIRECTORY"); given.starts_with('/')) {
    return given.substr(0, given.find(':'));  // systemd.exec(5): several are separated by colons.
  }
  if (::geteuid() == 0) return "/run/reeve";
  if (const std::string user = variable("XDG_RUNTIME_DIR"); user.starts_with('/')) {
    return user + "/reeve";
  }
  return fmt::format("/run/user/{}/reeve", ::geteuid());
}

std::string control_socket_path(const std::string& runtime_dir) {
  return runtime_dir + "/control.sock";
}

}  // namespace reeve::ipc
