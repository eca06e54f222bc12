#include "tests/e2e/harness/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <ostream>
#include <stdexcept>
#include <string_view>

namespace reeve::e2e {
namespace {

constexpr std::string_view kListenPid = "LISTEN_PID=";

// By number: <sys/pidfd.h> of glibc 2.36 forgets extern "C".
int open_pidfd(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }

/// The variables that would make the child believe that it runs under another supervisor.
bool belongs_to_a_supervisor(std::string_view variable) {
  constexpr std::array<std::string_view, 5> prefixes = {"LISTEN_", "NOTIFY_SOCKET=", "REEVE_",
                                                        "RUNTIME_DIRECTORY=", "WATCHDOG_"};
  return std::ranges::any_of(prefixes, [&](auto prefix) { return variable.starts_with(prefix); });
}

std::vector<std::string> environment_of(const Command& command) {
  std::vector<std::string> result;
  for (char** each = environ; *each != nullptr; ++each) {
    if (!belongs_to_a_supervisor(*each)) result.emplace_back(*each);
  }
  // In front, so that they win over one of the same name: getenv(3) finds the first.
  for (const auto& [key, value] : command.env) result.insert(result.begin(), key + "=" + value);
  if (command.listeners.empty()) return result;

  std::string names;
  for (const auto& listener : command.listeners) {
    names += (names.empty() ? "" : ":") + listener.name;
  }
  result.push_back(fmt::format("LISTEN_FDS={}", command.listeners.size()));
  result.push_back("LISTEN_FDNAMES=" + names);
  result.push_back(std::string(kListenPid) + std::string(12, '\0'));  // The child fills it in.
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (auto& each : strings) result.push_back(each.data());
  result.push_back(nullptr);
  return result;
}

ipc::UniqueFd open_for_output(const std::filesystem::path& path) {
  return ipc::UniqueFd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
}

/// All that the child needs, made before the fork: other threads of the test may hold locks then.
struct Prepared {
  std::vector<std::string> argv_strings;
  std::vector<std::string> env_strings;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::string directory;
  ipc::UniqueFd input;
  ipc::UniqueFd output;
  ipc::UniqueFd errors;
  std::vector<ipc::UniqueFd> listeners;  ///< far above the numbers that they will get
  pid_t parent;
};

/// In the child: async-signal-safe calls only.
[[noreturn]] void become(Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != prepared.parent) ::_exit(127);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  ::dup2(prepared.input.get(), STDIN_FILENO);
  ::dup2(prepared.output.get(), STDOUT_FILENO);
  ::dup2(prepared.errors.get(), STDERR_FILENO);
  int next = ipc::kFirstListenFd;
  for (const auto& listener : prepared.listeners) ::dup2(listener.get(), next++);
  ::syscall(SYS_close_range, next, UINT_MAX, CLOSE_RANGE_CLOEXEC);

  if (!prepared.listeners.empty()) {
    char* const digits = prepared.env_strings.back().data() + kListenPid.size();
    std::to_chars(digits, digits + 11, ::getpid());
  }
  if (!prepared.directory.empty() && ::chdir(prepared.directory.c_str()) != 0) ::_exit(127);
  ::execvpe(prepared.argv[0], prepared.argv.data(), prepared.env.data());
  ::_exit(127);
}

Prepared prepare(Command& command, const std::filesystem::path& output,
                 const std::filesystem::path& errors) {
  Prepared prepared;
  prepared.argv_strings = command.argv;
  prepared.env_strings = environment_of(command);
  prepared.argv = pointers(prepared.argv_strings);
  prepared.env = pointers(prepared.env_strings);
  prepared.directory = command.directory.string();
  prepared.input.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  prepared.output = open_for_output(output);
  prepared.errors = open_for_output(errors);
  for (const auto& listener : command.listeners) {
    prepared.listeners.emplace_back(::fcntl(listener.fd.get(), F_DUPFD_CLOEXEC, 100));
  }
  prepared.parent = ::getpid();
  return prepared;
}

}  // namespace

void PrintTo(const Exit& exit, std::ostream* out) {
  if (exit.signal != 0) {
    *out << "killed by signal " << exit.signal;
  } else {
    *out << "exit code " << exit.code;
  }
}

Watch::Watch(pid_t pid) : pidfd_(open_pidfd(pid)) {
  if (!pidfd_ && errno != ESRCH) throw std::runtime_error("pidfd_open failed");
}

bool Watch::ended_within(Milliseconds patience) const {
  if (!pidfd_) return true;
  pollfd wait{pidfd_.get(), POLLIN, 0};
  return ::poll(&wait, 1, static_cast<int>(patience.count())) == 1;
}

void Watch::signal(int number) const {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
}

Process::Process(Command command, const TempDir& directory, std::string name)
    : output_(directory / (name + ".out")), errors_(directory / (name + ".err")) {
  Prepared prepared = prepare(command, output_, errors_);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) become(prepared);
  watch_.emplace(pid_);
}

Process::~Process() {
  if (exit_) return;
  watch_->signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::optional<Exit> Process::wait(Milliseconds patience) {
  if (exit_ || !watch_->ended_within(patience)) return exit_;
  int status = 0;
  if (::waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("somebody else reaped a child");
  exit_ = WIFEXITED(status) ? Exit{.code = WEXITSTATUS(status)} : Exit{.signal = WTERMSIG(status)};
  return exit_;
}

std::string Process::output() const { return read_file(output_); }
std::string Process::errors() const { return read_file(errors_); }

Finished run(Command command, const TempDir& directory, const std::string& name,
             Milliseconds patience) {
  Process process(std::move(command), directory, name);
  const auto exit = process.wait(patience);
  return {exit, process.output(), process.errors()};
}

}  // namespace reeve::e2e
