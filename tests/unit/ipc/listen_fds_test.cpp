#include "ipc/listen_fds.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace reeve::ipc {
namespace {

// Adoption takes descriptors from 3 up, so each case runs in a child of its own.
void expect_in_child(const std::function<bool()>& holds) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(holds() ? 0 : 1);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

void set_variables(pid_t pid, const char* fds, const char* names) {
  ::setenv("LISTEN_PID", std::to_string(pid).c_str(), 1);
  ::setenv("LISTEN_FDS", fds, 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
}

void ignore(const std::string& /*warning*/) {}

bool variables_are_gone() {
  return ::getenv("LISTEN_PID") == nullptr && ::getenv("LISTEN_FDS") == nullptr &&
         ::getenv("LISTEN_FDNAMES") == nullptr;
}

/// Leaves stdio and `count` inheritable descriptors from 3 up.
void open_exactly(int count) {
  ::close_range(kFirstListenFd, ~0U, 0);
  for (int i = 0; i < count; ++i) {
    if (::dup2(STDERR_FILENO, kFirstListenFd + i) < 0) ::_exit(2);
  }
}

TEST(ListenFds, AreAdoptedByName) {
  expect_in_child([] {
    open_exactly(2);
    set_variables(::getpid(), "2", "http:admin");
    const auto adopted = adopt_listen_fds(ignore);
    return adopted.size() == 2 && adopted[0].name == "http" && adopted[0].fd.get() == 3 &&
           adopted[1].name == "admin" && adopted[1].fd.get() == 4 && variables_are_gone() &&
           (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
  });
}

TEST(ListenFds, WithoutNamesAreUnknown) {
  expect_in_child([] {
    open_exactly(2);
    set_variables(::getpid(), "2", nullptr);
    const auto adopted = adopt_listen_fds(ignore);
    return adopted.size() == 2 && adopted[0].name == "unknown" && adopted[1].name == "unknown";
  });
}

TEST(ListenFds, OfAnotherProcessAreLeftAlone) {
  expect_in_child([] {
    open_exactly(1);
    set_variables(::getppid(), "1", "http");
    return adopt_listen_fds(ignore).empty() && variables_are_gone() && ::fcntl(3, F_GETFD) == 0;
  });
}

TEST(ListenFds, ThatAreClosedAreToldOf) {
  expect_in_child([] {
    open_exactly(2);
    ::close(4);
    set_variables(::getpid(), "2", "a:b");
    std::vector<std::string> warnings;
    const auto adopted =
        adopt_listen_fds([&](const std::string& text) { warnings.push_back(text); });
    return adopted.size() == 1 && warnings.size() == 1 &&
           warnings[0] == "LISTEN_FDS=2 promises descriptor 4 (b), which is not open; ignoring it";
  });
}

TEST(ListenFds, ThatAreClosedTakeTheirNameWithThem) {
  expect_in_child([] {
    open_exactly(3);
    ::close(4);
    set_variables(::getpid(), "3", "a:b:c");
    const auto adopted = adopt_listen_fds(ignore);
    return adopted.size() == 2 && adopted[0].name == "a" && adopted[1].name == "c" &&
           adopted[1].fd.get() == 5;
  });
}

TEST(ListenFds, GarbageAdoptsNothing) {
  for (const char* count : {"", "-1", "x", "1x", "99999999999999999999"}) {
    expect_in_child([count] {
      open_exactly(1);
      set_variables(::getpid(), count, "http");
      return adopt_listen_fds(ignore).empty() && variables_are_gone();
    });
  }
}

TEST(ListenFds, AHugeCountAdoptsWhatIsOpen) {
  expect_in_child([] {
    open_exactly(1);
    set_variables(::getpid(), "2000000000", "http");
    return adopt_listen_fds(ignore).size() == 1;
  });
}

TEST(ListenFds, NoVariablesMeanNone) {
  expect_in_child([] {
    ::unsetenv("LISTEN_PID");
    return adopt_listen_fds(ignore).empty();
  });
}

}  // namespace
}  // namespace reeve::ipc
