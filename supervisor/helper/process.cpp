#include "supervisor/helper/process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/clock.hpp"
#include "supervisor/helper/message.hpp"
#include "supervisor/helper/prober.hpp"

namespace reeve::supervisor {
namespace {

constexpr char kName[] = "reeve: helper";  // As ps shows it: argv, and 15 bytes of name.
constexpr int kSocket = STDIN_FILENO;
constexpr rlim_t kMostOpen = 1100;  // One for each request that may wait, and some.
constexpr uid_t kNobody = 65534;    // By number: its name would have to be looked up.

/// What programs are loaded with and names are resolved with. All else may hold secrets.
constexpr std::array<std::string_view, 7> kVariables = {
    "PATH=", "LANG=", "TZ=", "LC_", "LD_", "RES_OPTIONS=", "LOCALDOMAIN="};

bool is_passed_on(std::string_view variable) {
  return std::ranges::any_of(
      kVariables, [variable](std::string_view start) { return variable.starts_with(start); });
}

/// Between fork and exec: async-signal-safe calls only.
[[noreturn]] void execute(int socket, char* const* arguments, char* const* variables) {
  ::setpgid(0, 0);  // The terminal's signals are not for it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // Out of the way of 0 to 2 first: the master may have started without them.
  socket = ::fcntl(socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (nothing < 0 || socket < 0) ::_exit(127);
  ::dup2(socket, kSocket);
  ::dup2(nothing, STDOUT_FILENO);
  ::dup2(nothing, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, UINT_MAX, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve("/proc/self/exe", arguments, variables);
  ::_exit(127);
}

void limit(__rlimit_resource resource, rlim_t most) {
  const rlimit value{.rlim_cur = most, .rlim_max = most};
  ::setrlimit(resource, &value);
}

/// As little as it needs. What is refused is tolerated: a user namespace may have no nobody.
void drop_rights() {
  ::prctl(PR_SET_NAME, kName);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, kMostOpen);
  [[maybe_unused]] int tolerated = ::chdir("/");
  if (::geteuid() == 0) {
    tolerated = ::setgroups(0, nullptr);
    tolerated = ::setresgid(kNobody, kNobody, kNobody);
    tolerated = ::setresuid(kNobody, kNobody, kNobody);
  }
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  ::prctl(PR_SET_DUMPABLE, 0);         // Others of nobody's processes must not trace it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A change of user has cleared it.
}

}  // namespace

ipc::Result<StartedHelper> start_helper() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return ipc::system_error("open a socket to", "the helper", errno);
  }
  ipc::UniqueFd own(ends[0]);
  const ipc::UniqueFd other(ends[1]);
  if (::fcntl(own.get(), F_SETFL, O_NONBLOCK) != 0) {
    return ipc::system_error("open a socket to", "the helper", errno);
  }
  std::array<char, sizeof(kName)> name{};
  std::ranges::copy(kName, name.begin());
  const std::array<char*, 2> arguments = {name.data(), nullptr};
  std::vector<char*> variables;
  for (char** one = environ; *one != nullptr; ++one) {
    if (is_passed_on(*one)) variables.push_back(*one);
  }
  variables.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return ipc::system_error("fork for", "the helper", errno);
  if (pid == 0) execute(other.get(), arguments.data(), variables.data());
  return StartedHelper{.pid = pid, .socket = std::move(own)};
}

bool is_helper(int argc, const char* const* argv) {
  return argc == 1 && std::string_view(argv[0]) == kName;
}

int run_helper() {
  drop_rights();
  bool master_is_there = true;
  const auto reply = [&master_is_there](std::uint64_t id, std::string text) {
    const std::string packet = format(HelperReply{.id = id, .text = std::move(text)});
    master_is_there = ::send(kSocket, packet.data(), packet.size(), MSG_NOSIGNAL) >= 0;
  };
  Prober prober(reply);
  std::array<char, kMostRequestBytes> packet;
  while (master_is_there) {
    std::vector<pollfd> watched{{.fd = kSocket, .events = POLLIN, .revents = 0}};
    prober.add_to(watched);
    if (::poll(watched.data(), watched.size(), prober.wait(ipc::Clock::now())) < 0) continue;
    prober.advance(watched, ipc::Clock::now());
    if (watched.front().revents == 0) continue;
    const ssize_t size = ::recv(kSocket, packet.data(), packet.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return 0;  // The master is gone, or another program by now.
    const auto request = parse_helper_request({packet.data(), static_cast<std::size_t>(size)});
    if (!request) return 2;
    switch (request->task) {
      case HelperTask::LookUpUser:
        reply(request->id, format(find_user(request->text)));
        break;
      case HelperTask::Ask: {
        auto probe = parse_network_probe(request->text);
        if (!probe) return 2;
        prober.begin(request->id, std::move(*probe), ipc::Clock::now());
        break;
      }
    }
  }
  return 0;
}

}  // namespace reeve::supervisor
