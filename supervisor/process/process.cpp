#include "supervisor/process/process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/text.hpp"
#include "ipc/environment.hpp"
#include "ipc/worker_exit.hpp"
#include "supervisor/system/proc_reader.hpp"

namespace reeve::supervisor {
namespace {

// A worker that talks without pause must not hold the loop; the poll calls again.
constexpr int kMessagesATurn = 64;
// The messages of a dead one are all read: more than its socket can hold.
constexpr int kMessagesAtTheEnd = 1024;

// From the end of a worker's descriptors to its death: the kernel frees its memory meanwhile.
constexpr Duration kDyingTakes = std::chrono::milliseconds(500);

// In a report a longer line helps nobody, and every worker keeps some.
constexpr std::size_t kMostOfALastLine = 1024;

/// "a required resource could not be opened (database: refused)": with the worker's own words, cut
/// to what fits into a line with more.
std::string meaning_of(int exit_code, std::string_view reason) {
  constexpr std::size_t kMostOfReason = 300;
  const std::string_view meaning = ipc::meaning_of_exit(exit_code);
  if (meaning.empty() || reason.empty()) return std::string(meaning);
  return fmt::format("{} ({})", meaning, ipc::printable(reason, kMostOfReason));
}

/// What a native worker says of itself: only an operator, or its author, can help.
bool is_permanent(const Death& death) {
  using enum ipc::WorkerExit;
  const auto is = [&death](ipc::WorkerExit exit) {
    return death.exit_code == static_cast<int>(exit);
  };
  return is(BadUsage) || is(InternalError) || is(BadConfiguration) || is(OpenedTooEarly);
}

}  // namespace

Process::Process(ipc::uv::Loop& loop, ProcessObserver& observer, Identity identity, MasterEnds ends,
                 const LaunchPlan& plan, Spawned spawned)
    : observer_(observer),
      loop_(loop),
      state_{.identity = identity,
             .pid = spawned.pid,
             .program = plan.program,
             .directory = plan.directory,
             .stop = plan.stop},
      channel_(std::move(ends.channel)),
      recorder_(std::move(ends.recorder)),
      worker_sockets_(std::move(ends.worker_sockets)),
      cgroup_(std::move(ends.cgroup)),
      exec_status_(std::move(spawned.exec_status)),
      stdout_(loop,
              {.fd = ends.stdout_pipe.release(),
               .line = {.partial = "", .cut = false, .limit = plan.longest_line}},
              printer(Stream::Stdout)),
      stderr_(loop,
              {.fd = ends.stderr_pipe.release(),
               .line = {.partial = "", .cut = false, .limit = plan.longest_line}},
              printer(Stream::Stderr)) {
  watch();
}

Process::Process(ipc::uv::Loop& loop, ProcessObserver& observer, State state,
                 WorkerSockets worker_sockets, std::unique_ptr<WorkerCgroup> cgroup)
    : observer_(observer),
      loop_(loop),
      state_(std::move(state)),
      channel_(ipc::UniqueFd(state_.channel_fd)),
      recorder_(ipc::Recorder::adopt(ipc::UniqueFd(state_.recorder_fd))),
      worker_sockets_(std::move(worker_sockets)),
      cgroup_(std::move(cgroup)),
      exec_status_(state_.exec_status_fd),
      over_(state_.pid == 0),
      stdout_(loop, std::exchange(state_.out, {}), printer(Stream::Stdout)),
      stderr_(loop, std::exchange(state_.error, {}), printer(Stream::Stderr)) {
  watch();
}

Process::State Process::state() const {
  State state = state_;
  state.cgroup = cgroup_ ? cgroup_->path() : "";
  state.channel_fd = channel_.fd();
  state.recorder_fd = recorder_.fd();
  state.exec_status_fd = exec_status_.get();
  state.out = stdout_.state();
  state.error = stderr_.state();
  return state;
}

void Process::watch() {
  if (!state_.line_lost) {
    channel_poll_.emplace(loop_, channel_.fd(), [this](int) { read_channel(kMessagesATurn); });
    channel_poll_->watch(UV_READABLE);
  }
  if (!exec_status_) return;
  exec_status_poll_.emplace(loop_, exec_status_.get(), [this](int) { on_exec_status(); });
  exec_status_poll_->watch(UV_READABLE);
}

void Process::signal(int signal) {
  if (state_.pid == 0) return;
  ::kill(state_.pid, signal);
  state_.kill_sent = state_.kill_sent || signal == SIGKILL;
}

void Process::kill_group() {
  signal_all_of_it(SIGKILL);
  state_.kill_sent = true;
}

void Process::signal_all_of_it(int signal) const {
  const pid_t members = group();
  if (members != 0) ::kill(-members, signal);
  for (const Detached& one : detached_) {
    ::syscall(SYS_pidfd_send_signal, one.pidfd.get(), signal, nullptr, 0);
  }
  if (!cgroup_) return;
  if (signal == SIGKILL) {
    cgroup_->kill();
  } else {
    cgroup_->signal(signal, members);
  }
}

/// 0: it has none any more. The kernel gives the number of a group to no process while anyone is in
/// that group; so once a process has it, the group is another one.
pid_t Process::group() const {
  if (state_.pid != 0 || state_.group == 0) return state_.pid;
  return ::kill(state_.group, 0) != 0 && errno == ESRCH ? state_.group : 0;
}

/// Its orphans are children of the master, which is a subreaper.
bool Process::find_detached(const std::function<bool(pid_t)>& is_known, const StopRule& how) {
  const std::string mark = fmt::format("{}={}", ipc::environment::kPid, leader());
  const std::size_t before = detached_.size();
  for (const pid_t pid : own_children()) {
    if (is_known(pid) || std::ranges::find(detached_, pid, &Detached::pid) != detached_.end()) {
      continue;
    }
    // Opened before anything is read of it, so that what is read is of this process.
    ipc::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd || !has_in_environment(pid, mark)) continue;
    detached_.push_back({pid, std::move(pidfd)});
    ::syscall(SYS_pidfd_send_signal, detached_.back().pidfd.get(), how.signal, nullptr, 0);
  }
  return detached_.size() > before;
}

bool Process::lives(const Detached& one) {
  pollfd ended{one.pidfd.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) == 0;
}

bool Process::lives() const {
  if (state_.pid != 0 || (cgroup_ && cgroup_->populated())) return true;
  if (std::ranges::any_of(detached_, [](const Detached& one) { return lives(one); })) return true;
  const pid_t members = group();
  if (members == 0 || (::kill(-members, 0) != 0 && errno == ESRCH)) return false;
  // A dead member that nobody reaps is one for ever.
  return !state_.kill_sent || !living_in_group(members).empty();
}

std::string Process::name_what_lives() const {
  const pid_t members = group();
  std::vector<pid_t> pids = members == 0 ? std::vector<pid_t>{} : living_in_group(members);
  if (cgroup_) std::ranges::copy(cgroup_->pids(), std::back_inserter(pids));
  for (const Detached& one : detached_) {
    if (lives(one)) pids.push_back(one.pid);
  }
  std::ranges::sort(pids);
  const auto twice = std::ranges::unique(pids);
  pids.erase(twice.begin(), twice.end());
  std::string names;
  for (const pid_t pid : pids) names += (names.empty() ? "" : ", ") + name_of_process(pid);
  return names;
}

Death Process::explain(Death death) const {
  death.exec_error = state_.exec_error;
  death.shortage = is_shortage(state_.exec_code);
  // A program that somebody writes just now (ETXTBSY) will be there in a moment.
  const bool cannot_run = !state_.exec_error.empty() && state_.exec_code != ETXTBSY;
  death.permanent = !death.shortage && (cannot_run || (is_native() && is_permanent(death)));
  const bool killed_by_others = death.signal == SIGKILL && !state_.kill_sent;
  // Its own cgroup knows for sure; what happened in the master's may have hit anyone there.
  const auto own_witness = cgroup_ ? cgroup_->ran_out_of_memory() : std::nullopt;
  death.out_of_memory = killed_by_others && own_witness.value_or(death.out_of_memory);
  if (death.out_of_memory && cgroup_) death.memory_limit = cgroup_->memory_limit();
  death.killed_by_others = killed_by_others && !death.out_of_memory;
  if (is_native() && death.exit_code) death.meaning = meaning_of(*death.exit_code, state_.reason);
  death.cost = state_.cost;
  return death;
}

void Process::drain(ipc::DrainKind kind, const StopRule& how) {
  // A full or closed channel is no reason to act: the signal says enough.
  [[maybe_unused]] const auto tolerated = tell({.drain = kind});
  if (state_.drained_at) return;
  state_.drained_at = loop_.now();
  if (how.to == StopRule::To::Group) return tell_all_of_it(how);
  signal(how.signal);
  // Only one that stands still: who is being attached to, as a leak check does to its own process,
  // would lose the stop that it waits for.
  siginfo_t info{};
  const int options = WSTOPPED | WNOHANG | WNOWAIT;
  if (::waitid(P_PID, static_cast<id_t>(state_.pid), &info, options) == 0 && info.si_pid != 0) {
    signal(SIGCONT);
  }
}

void Process::tell_all_of_it(const StopRule& how) const {
  signal_all_of_it(how.signal);
  signal_all_of_it(SIGCONT);
}

ipc::Result<> Process::tell(const ipc::MasterMessage& message) const {
  return channel_.send(ipc::format(message));
}

void Process::conclude(const StopRule& how, bool kill) {
  over_ = true;
  if (exec_status_poll_) on_exec_status();
  if (channel_poll_) read_channel(kMessagesAtTheEnd);
  const bool has_heard = state_.drained_at && how.to == StopRule::To::Group;
  if (kill) {
    kill_group();
  } else if (!has_heard) {
    tell_all_of_it(how);
  }
}

void Process::reaped() {
  state_.group = std::exchange(state_.pid, 0);
  if (!lives()) return finish();
  stdout_.take();
  stderr_.take();
}

void Process::finish() {
  stdout_.finish();
  stderr_.finish();
}

void Process::on_notification(const ipc::WorkerMessage& message) {
  state_.has_notified = true;
  on_message({.ready = message.ready,
              .stopping = message.stopping,
              .reloading = message.reloading,
              .watchdog = message.watchdog,
              .status = message.status,
              .extend_timeout = message.extend_timeout});
}

void Process::on_message(const ipc::WorkerMessage& message) {
  if (message.status) state_.status_text = *message.status;
  if (message.step) {
    state_.steps.push_back(*message.step);
    if (state_.steps.size() > kLastSteps) state_.steps.pop_front();
  }
  if (message.reason) state_.reason = *message.reason;
  if (message.cost) state_.cost = *message.cost;
  if (message.state) state_.state = message.state;
  if (message.watchdog) state_.watchdog_at = loop_.now();
  state_.reports.on_message(message, loop_.now());
  observer_.on_message(*this, message);
}

void Process::on_exec_status() {
  LaunchPlan plan;  // What an error names.
  plan.program = state_.program;
  plan.directory = state_.directory;
  ExecResult result = read_exec_status(exec_status_.get(), plan);
  switch (result.status) {
    case ExecStatus::Pending:
      return;
    case ExecStatus::Failed:
      state_.exec_error = std::move(result.error);
      state_.exec_code = result.code;
      break;
    case ExecStatus::Succeeded:
      break;
  }
  exec_status_poll_.reset();
  exec_status_.reset();
  if (state_.exec_error.empty()) observer_.executed(*this);
}

void Process::read_channel(int most) {
  for (int i = 0; i < most; ++i) {
    const auto text = channel_.receive();
    if (text) {
      on_message(ipc::parse_worker_message(*text));
    } else {
      // A closed channel is no death: a foreign program closes what it does not know.
      if (text.error() == ipc::Channel::End::Closed) {
        channel_poll_.reset();
        if (is_native()) miss_the_line();
      }
      return;
    }
  }
}

/// As a rule it is just dying, which is told in a moment.
void Process::miss_the_line() {
  line_timer_.emplace(loop_, [this] {
    if (state_.pid == 0) return;
    state_.line_lost = true;
    observer_.line_lost(*this);
  });
  line_timer_->arm(kDyingTakes);
}

LogPipe::Callbacks Process::printer(Stream stream) {
  return {.on_line = [this, stream](std::string_view line) { print(stream, line); },
          .on_part = [this](std::string_view part) { observer_.printed_part(*this, part); }};
}

void Process::print(Stream stream, std::string_view line) {
  state_.last_lines.emplace_back(line.substr(0, kMostOfALastLine));
  if (state_.last_lines.size() > kLastLines) state_.last_lines.pop_front();
  observer_.printed(*this, stream, line);
}

}  // namespace reeve::supervisor
