#include "supervisor/process/spawner.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "ipc/listen_fds.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/signals.hpp"

namespace reeve::supervisor {
namespace {

enum class Step : int { SetUp, SetLimit, SetNice, BecomeUser, ChangeDirectory, Execute };

/// What the child writes when it cannot become the program. Exec closes the pipe, which says the
/// opposite.
struct ExecFailure {
  Step step;
  int error;
  int index;  // SetLimit: which of the plan's limits.
};

/// The plan as arrays of pointers into it, which the child may read without allocating.
class Prepared {
 public:
  explicit Prepared(const LaunchPlan& plan)
      : environment_(plan.environment), numbers_(plan.descriptors) {
    for (const std::string& argument : plan.arguments) {
      arguments_.push_back(const_cast<char*>(argument.c_str()));  // execve(2) does not write to it.
    }
    arguments_.push_back(nullptr);
    for (std::string& variable : environment_) {
      variables_.push_back(variable.data());
      for (const std::string_view name : {kListenPid, kWatchdogPid, kWorkerPid}) {
        if (variable.starts_with(name)) own_pids_.push_back(variable.data() + name.size());
      }
    }
    variables_.push_back(nullptr);
  }

  /// Child only. No snprintf: it may allocate.
  void fill_in_own_pid() {
    char digits[kPidDigits];
    std::size_t length = 0;
    for (pid_t pid = ::getpid(); pid > 0; pid /= 10) {
      digits[length++] = static_cast<char>('0' + pid % 10);
    }
    for (char* out : own_pids_) {
      for (std::size_t i = length; i > 0; --i) *out++ = digits[i - 1];
      *out = '\0';
    }
  }

  [[nodiscard]] char* const* arguments() const { return arguments_.data(); }
  [[nodiscard]] char* const* variables() const { return variables_.data(); }
  std::vector<int>& numbers() { return numbers_; }

 private:
  std::vector<std::string> environment_;
  std::vector<char*> arguments_;
  std::vector<char*> variables_;
  std::vector<char*> own_pids_;
  std::vector<int> numbers_;
};

// Everything below runs in the child, between fork and exec: async-signal-safe calls only.

[[noreturn]] void fail(int status_fd, Step step, int index = 0) {
  const ExecFailure failure{step, errno, index};
  [[maybe_unused]] const ssize_t written = ::write(status_fd, &failure, sizeof(failure));
  ::_exit(127);
}

/// Dies with the master. The check closes the gap in which it may have died already.
void follow_the_master(pid_t master, int signal, int status_fd) {
  if (::prctl(PR_SET_PDEATHSIG, signal) != 0) fail(status_fd, Step::SetUp);
  if (::getppid() != master) ::_exit(127);
}

/// For kernels and sandboxes without CLONE_INTO_CGROUP. That it fails is tolerated: the process
/// group is there too.
void enter_cgroup(int cgroup_fd) {
  const int procs = ::openat(cgroup_fd, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (procs < 0) return;
  [[maybe_unused]] const ssize_t tolerated = ::write(procs, "0", 1);
  ::close(procs);
}

/// As long as it may still lift its hard limits: before it becomes another user.
void set_limits(const LaunchPlan& plan, int status_fd) {
  for (std::size_t i = 0; i < plan.limits.size(); ++i) {
    const ResourceLimit& limit = plan.limits[i];
    const auto resource = static_cast<__rlimit_resource>(limit.resource);
    if (::setrlimit(resource, &limit.value) != 0) {
      fail(status_fd, Step::SetLimit, static_cast<int>(i));
    }
  }
}

/// A way to say "unchanged" in the ids would leave it root: whether it is who it should be is
/// asked.
bool is_user(const User& who) {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  if (::syscall(SYS_getresuid, &real, &effective, &saved) != 0) return false;
  if (real != who.uid || effective != who.uid || saved != who.uid) return false;
  gid_t real_group = 0;
  gid_t effective_group = 0;
  gid_t saved_group = 0;
  if (::syscall(SYS_getresgid, &real_group, &effective_group, &saved_group) != 0) return false;
  return real_group == who.gid && effective_group == who.gid && saved_group == who.gid;
}

/// Groups first, while it may; then all three ids of each kind, so that there is no way back. The
/// system calls themselves: the library's would ask other threads to follow, and there are none.
void become_user(const User& who, int status_fd) {
  const bool is_already =
      ::geteuid() == who.uid && ::getuid() == who.uid && ::getegid() == who.gid && ::geteuid() != 0;
  if (is_already) return;
  if (::syscall(SYS_setgroups, who.groups.size(), who.groups.data()) != 0 ||
      ::syscall(SYS_setresgid, who.gid, who.gid, who.gid) != 0 ||
      ::syscall(SYS_setresuid, who.uid, who.uid, who.uid) != 0) {
    fail(status_fd, Step::BecomeUser);
  }
  if (!is_user(who)) {
    errno = EPERM;
    fail(status_fd, Step::BecomeUser);
  }
}

/// Moves the plan's descriptors to 0, 1, 2, 3 ..., whichever numbers they had, closes all others,
/// and returns the new number of the status pipe. First out of the way, then into place: a source
/// may have the number of another's place.
int place_descriptors(const LaunchPlan& plan, std::vector<int>& numbers, int status_fd) {
  const int status_place = ipc::kFirstListenFd + static_cast<int>(numbers.size());
  const int above = status_place + 1;
  const auto out_of_the_way = [&](int fd) {
    const int moved = ::fcntl(fd, F_DUPFD_CLOEXEC, above);
    if (moved < 0) fail(status_fd, Step::SetUp);
    return moved;
  };
  const auto into_place = [&](int fd, int place, int flags) {
    if (::dup3(fd, place, flags) < 0) fail(status_fd, Step::SetUp);
  };

  const int null_fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0) fail(status_fd, Step::SetUp);
  const int in = out_of_the_way(null_fd);
  const int out = out_of_the_way(plan.stdout_fd);
  const int error = out_of_the_way(plan.stderr_fd);
  for (int& number : numbers) number = out_of_the_way(number);
  status_fd = out_of_the_way(status_fd);

  into_place(in, STDIN_FILENO, 0);
  into_place(out, STDOUT_FILENO, 0);
  into_place(error, STDERR_FILENO, 0);
  int place = ipc::kFirstListenFd;
  for (const int number : numbers) into_place(number, place++, 0);
  into_place(status_fd, status_place, O_CLOEXEC);
  // Before Linux 5.9 there is no such call; then CLOEXEC alone has to do.
  ::close_range(static_cast<unsigned>(above), UINT_MAX, 0);
  return status_place;
}

[[noreturn]] void become_the_program(const LaunchPlan& plan, Prepared& prepared, pid_t master,
                                     int status_fd) {
  ::setpgid(0, 0);
  follow_the_master(master, plan.stop.signal, status_fd);
  status_fd = place_descriptors(plan, prepared.numbers(), status_fd);
  set_limits(plan, status_fd);
  if (plan.nice && ::setpriority(PRIO_PROCESS, 0, *plan.nice) != 0) fail(status_fd, Step::SetNice);
  if (plan.umask) ::umask(static_cast<mode_t>(*plan.umask));
  if (plan.user) {
    become_user(*plan.user, status_fd);
    follow_the_master(master, plan.stop.signal, status_fd);  // It has cleared that (prctl(2)).
  }
  if (!plan.directory.empty() && ::chdir(plan.directory.c_str()) != 0) {
    fail(status_fd, Step::ChangeDirectory);
  }
  prepared.fill_in_own_pid();
  reset_signals();  // Last: a TERM that came meanwhile now does what it means.
  ::execve(plan.program.c_str(), prepared.arguments(), prepared.variables());
  fail(status_fd, Step::Execute);
}

// In the master again.

/// No process can be made now; a fallback would not help.
bool may_pass(int error) { return error == EAGAIN || error == ENOMEM || error == EINTR; }

/// fork(2), straight into the cgroup where the kernel can do that. Else the child goes there
/// itself.
pid_t fork_into(int cgroup_fd) {
  if (cgroup_fd < 0) return ::fork();
  clone_args arguments{};
  arguments.flags = CLONE_INTO_CGROUP;
  arguments.exit_signal = SIGCHLD;
  arguments.cgroup = static_cast<__u64>(cgroup_fd);
  // The library has no wrapper. Its fork() would do no more here: there is one thread, and the
  // child calls nothing that takes a lock.
  const long direct = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (direct >= 0 || may_pass(errno)) return static_cast<pid_t>(direct);
  const pid_t pid = ::fork();
  if (pid == 0) enter_cgroup(cgroup_fd);
  return pid;
}

std::string tried(const ExecFailure& failure, const LaunchPlan& plan) {
  switch (failure.step) {
    case Step::SetUp:
      return "set up its descriptors";
    case Step::SetLimit: {
      const auto index = static_cast<std::size_t>(failure.index);
      if (index >= plan.limits.size()) return "set its limits";
      const ResourceLimit& limit = plan.limits[index];
      return fmt::format("set limits.{} to {}", limit.name, limit.value.rlim_max);
    }
    case Step::SetNice:
      return "set its priority (nice)";
    case Step::BecomeUser:
      return fmt::format("become user {}", plan.user ? name_of(*plan.user) : "");
    case Step::ChangeDirectory:
      return fmt::format("change to directory {}", plan.directory);
    case Step::Execute:
      return fmt::format("exec {}", plan.program);
  }
  std::unreachable();
}

}  // namespace

ipc::Result<Spawned> spawn(const LaunchPlan& plan) {
  auto status = Pipe::open();
  if (!status) return std::unexpected(status.error());
  Prepared prepared(plan);
  const pid_t master = ::getpid();
  const pid_t pid = fork_into(plan.cgroup_fd);
  if (pid < 0) return ipc::system_error("fork for", plan.program, errno);
  if (pid == 0) become_the_program(plan, prepared, master, status->write_end.get());
  // The child does the same; whoever comes first. It fails once exec has happened: then it is done.
  ::setpgid(pid, pid);
  return Spawned{pid, std::move(status->read_end)};
}

ExecResult read_exec_status(int fd, const LaunchPlan& plan) {
  ExecFailure failure{};
  const ssize_t size = ::read(fd, &failure, sizeof(failure));
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
  if (size != static_cast<ssize_t>(sizeof(failure))) return {ExecStatus::Succeeded, {}};
  return {ExecStatus::Failed,
          fmt::format("{}: {}", tried(failure, plan), ipc::errno_text(failure.error)),
          failure.error};
}

bool is_shortage(int error) {
  return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE ||
         error == ENOSPC || error == ENOBUFS;
}

}  // namespace reeve::supervisor
