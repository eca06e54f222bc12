#include "supervisor/upgrade/own_binary.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "supervisor/config/program.hpp"

namespace reeve::supervisor {
namespace {

constexpr char kExecutable[] = "/proc/self/exe";

bool is_same_file(const char* one, const char* other) {
  struct stat first{};
  struct stat second{};
  return ::stat(one, &first) == 0 && ::stat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

std::string executable_path() {
  std::string path(PATH_MAX, '\0');
  const ssize_t size = ::readlink(kExecutable, path.data(), path.size());
  path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  // Replaced since the exec: the successor has the name.
  constexpr std::string_view kGone = " (deleted)";
  if (path.ends_with(kGone)) path.resize(path.size() - kGone.size());
  return path;
}

}  // namespace

OwnBinary started_as(int argc, const char* const* argv) {
  OwnBinary own{.binary = executable_path(), .arguments = {argv, argv + argc}};
  if (own.arguments.empty()) return own;
  std::error_code failed;
  PoolConfig typed;
  typed.command = {own.arguments.front()};
  const std::string found = find_program(typed).value_or("");
  const std::string path = std::filesystem::absolute(found, failed).lexically_normal().string();
  if (!failed && is_same_file(path.c_str(), kExecutable)) own.binary = path;
  return own;
}

ipc::Result<ipc::UniqueFd> open_binary(const std::string& path) {
  ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return ipc::system_error("open", path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return ipc::failure(fmt::format("{} is no program", path));
  }
  return fd;
}

ipc::Error become(int binary, const std::vector<std::string>& arguments, std::string variable) {
  std::vector<char*> argv;
  // execveat(2) does not write to them.
  for (const std::string& one : arguments) argv.push_back(const_cast<char*>(one.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> variables;
  for (char** one = environ; *one != nullptr; ++one) variables.push_back(*one);
  variables.push_back(variable.data());
  variables.push_back(nullptr);
  ::execveat(binary, "", argv.data(), variables.data(), AT_EMPTY_PATH);
  return ipc::system_error("exec", "the new binary", errno).error();
}

}  // namespace reeve::supervisor
