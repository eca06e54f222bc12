#include "supervisor/upgrade/upgrade_trial.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

#include "ipc/base/text.hpp"
#include "supervisor/system/pipe.hpp"
#include "supervisor/system/signals.hpp"
#include "supervisor/upgrade/handover_rules.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMostAnswerBytes = 4096;
constexpr int kReadsATurn = 16;

/// "; it said: one line", or its lines below each other.
std::string quote(std::string_view said) {
  if (said.empty()) return "";
  std::string text = "; it said:";
  const std::string_view separator = said.contains('\n') ? "\n  " : " ";
  while (!said.empty()) {
    text += separator;
    text += ipc::printable(ipc::take_until(said, '\n'), kMostAnswerBytes);
  }
  return text;
}

// Below runs in the child, between fork and exec: async-signal-safe calls only.

[[noreturn]] void fail(const char* tried) {
  for (const char* part : {tried, ": ", ::strerrordesc_np(errno), "\n"}) {
    [[maybe_unused]] const ssize_t tolerated = ::write(STDERR_FILENO, part, std::strlen(part));
  }
  ::_exit(127);
}

[[noreturn]] void execute(const UpgradeTrial::Candidate& candidate, char* const* arguments,
                          int answer_fd, pid_t master) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != master) ::_exit(127);
  ::dup2(answer_fd, STDOUT_FILENO);
  ::dup2(answer_fd, STDERR_FILENO);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0) fail("open /dev/null");
  set_inherited(candidate.descriptors, true);
  // The binary, too: the kernel opens a script through its descriptor.
  ::fcntl(candidate.state, F_SETFD, 0);
  ::fcntl(candidate.binary, F_SETFD, 0);
  reset_signals();
  ::execveat(candidate.binary, "", arguments, environ, AT_EMPTY_PATH);
  fail("exec");
}

}  // namespace

UpgradeTrial::UpgradeTrial(ipc::uv::Loop& loop, Duration longest,
                           std::function<void(Verdict)> on_end)
    : longest_(longest),
      on_end_(std::move(on_end)),
      loop_(loop),
      deadline_(loop, [this] { give_up(); }) {}

UpgradeTrial::~UpgradeTrial() {
  if (pid_) ::kill(-*pid_, SIGKILL);
}

ipc::Result<> UpgradeTrial::start(const Candidate& candidate) {
  auto pipe = Pipe::open();
  if (!pipe) return std::unexpected(pipe.error());
  std::string name = candidate.name;
  std::string command = kTrialCommand;
  std::string state = fmt::to_string(candidate.state);
  const std::array<char*, 4> arguments = {name.data(), command.data(), state.data(), nullptr};

  const pid_t master = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return ipc::system_error("fork for", "the trial of the new binary", errno);
  if (pid == 0) execute(candidate, arguments.data(), pipe->write_end.get(), master);
  ::setpgid(pid, pid);  // The child does the same; whoever comes first.
  pid_ = pid;
  answer_fd_ = std::move(pipe->read_end);
  try {
    poll_.emplace(loop_, answer_fd_.get(), [this](int) { read_answer(); });
    poll_->watch(UV_READABLE);
  } catch (const std::system_error& lack) {
    poll_.reset();
    ::kill(-pid, SIGKILL);
    pid_.reset();  // The reaper takes it as any child.
    return ipc::system_error("watch", "the trial of the new binary", lack.code().value());
  }
  deadline_.arm(longest_);
  return {};
}

/// Bytes beyond the bound are read and forgotten: a child that waits in its write never ends.
void UpgradeTrial::read_answer() {
  std::array<char, kMostAnswerBytes> chunk;
  for (int i = 0; i < kReadsATurn; ++i) {
    const ssize_t size = ::read(answer_fd_.get(), chunk.data(), chunk.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
      poll_.reset();
      return;
    }
    const std::size_t room = kMostAnswerBytes - answer_.size();
    answer_.append(chunk.data(), std::min(room, static_cast<std::size_t>(size)));
  }
}

void UpgradeTrial::give_up() {
  too_late_ = true;
  if (pid_) ::kill(-*pid_, SIGKILL);
}

void UpgradeTrial::conclude(pid_t pid) const {
  if (pid_ == pid) ::kill(-pid, SIGKILL);
}

void UpgradeTrial::exited(pid_t pid, const Death& death) {
  if (pid_ != pid) return;
  pid_.reset();
  deadline_.disarm();
  if (poll_) read_answer();
  poll_.reset();
  if (on_end_) std::exchange(on_end_, nullptr)(verdict(death));
}

UpgradeTrial::Verdict UpgradeTrial::verdict(const Death& death) const {
  std::string_view said = answer_;
  while (said.ends_with('\n')) said.remove_suffix(1);
  const std::string words = quote(said);
  if (too_late_) {
    return std::unexpected(
        fmt::format("it did not answer within {}{}", short_duration(longest_), words));
  }
  if (!death.clean()) return std::unexpected(describe(death) + words);
  if (!said.starts_with(kTrialAnswer)) {
    return std::unexpected(fmt::format("it does not know how to take over{}", words));
  }
  return ipc::printable(said.substr(kTrialAnswer.size()), kMostAnswerBytes);
}

}  // namespace reeve::supervisor
