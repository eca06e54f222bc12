#include "supervisor/process/process.hpp"

#include <fmt/format.h>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/worker_exit.hpp"

namespace reeve::supervisor {
namespace {

// A worker that talks without pause must not hold the loop; the poll calls again.
constexpr int kMessagesATurn = 64;
// Of a dead one all are read: more than its socket can hold.
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

}  // namespace

Process::Process(ipc::uv::Loop& loop, ProcessObserver& observer, Identity identity, MasterEnds ends,
                 LaunchPlan plan, Spawned spawned)
    : observer_(observer),
      loop_(loop),
      identity_(identity),
      plan_(std::move(plan)),
      pid_(spawned.pid),
      channel_(std::move(ends.channel)),
      recorder_(std::move(ends.recorder)),
      worker_sockets_(std::move(ends.worker_sockets)),
      cgroup_(std::move(ends.cgroup)),
      exec_status_(std::move(spawned.exec_status)),
      stdout_(loop, std::move(ends.stdout_pipe),
              [this](std::string_view line) { print(Stream::Stdout, line); }),
      stderr_(loop, std::move(ends.stderr_pipe),
              [this](std::string_view line) { print(Stream::Stderr, line); }) {
  watch();
}

void Process::watch() {
  if (!line_lost_) {
    channel_poll_.emplace(loop_, channel_.fd(), [this](int) { read_channel(kMessagesATurn); });
    channel_poll_->watch(UV_READABLE);
  }
  if (!exec_status_) return;
  exec_status_poll_.emplace(loop_, exec_status_.get(), [this](int) { on_exec_status(); });
  exec_status_poll_->watch(UV_READABLE);
}

void Process::signal(int signal) const {
  if (!pid_) return;
  ::kill(*pid_, signal);
  kill_sent_ = kill_sent_ || signal == SIGKILL;
}

void Process::kill_group() const {
  kill_all_of_it();
  kill_sent_ = true;
}

void Process::kill_all_of_it() const {
  if (pid_) ::kill(-*pid_, SIGKILL);
  if (cgroup_) cgroup_->kill();
}

Death Process::explain(Death death) const {
  death.exec_error = exec_error_;
  const bool killed_by_others = death.signal == SIGKILL && !kill_sent_;
  // Its own cgroup knows for sure; what happened in the master's may have hit anyone there.
  const auto own_witness = cgroup_ ? cgroup_->ran_out_of_memory() : std::nullopt;
  death.out_of_memory = killed_by_others && own_witness.value_or(death.out_of_memory);
  if (death.out_of_memory && cgroup_) death.memory_limit = cgroup_->memory_limit();
  death.killed_by_others = killed_by_others && !death.out_of_memory;
  if (is_native() && death.exit_code) death.meaning = meaning_of(*death.exit_code, reason_);
  return death;
}

void Process::drain(ipc::DrainKind kind) {
  // A full or closed channel is no reason to act: TERM says enough.
  [[maybe_unused]] const auto tolerated = tell({.drain = kind});
  if (drained_at_) return;
  drained_at_ = loop_.now();
  signal(SIGTERM);
}

ipc::Result<> Process::tell(const ipc::MasterMessage& message) const {
  return channel_.send(ipc::format(message));
}

void Process::conclude() {
  over_ = true;
  if (exec_status_poll_) on_exec_status();
  if (channel_poll_) read_channel(kMessagesAtTheEnd);
  stdout_.finish();
  stderr_.finish();
  kill_all_of_it();
}

void Process::on_notification(const ipc::WorkerMessage& message) {
  on_message({.ready = message.ready,
              .stopping = message.stopping,
              .reloading = message.reloading,
              .watchdog = message.watchdog,
              .status = message.status,
              .extend_timeout = message.extend_timeout});
}

void Process::on_message(const ipc::WorkerMessage& message) {
  if (message.status) status_text_ = *message.status;
  if (message.step) {
    steps_.push_back(*message.step);
    if (steps_.size() > kLastSteps) steps_.pop_front();
  }
  if (message.reason) reason_ = *message.reason;
  if (message.state) state_ = message.state;
  if (message.watchdog) watchdog_at_ = loop_.now();
  reports_.on_message(message, loop_.now());
  observer_.on_message(*this, message);
}

void Process::on_exec_status() {
  ExecResult result = read_exec_status(exec_status_.get(), plan_);
  switch (result.status) {
    case ExecStatus::Pending:
      return;
    case ExecStatus::Failed:
      exec_error_ = std::move(result.error);
      break;
    case ExecStatus::Succeeded:
      break;
  }
  exec_status_poll_.reset();
  exec_status_.reset();
  plan_ = {};  // Its environment is not kept for the worker's whole life.
  if (exec_error_.empty()) observer_.executed(*this);
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
    if (!pid_) return;
    line_lost_ = true;
    observer_.line_lost(*this);
  });
  line_timer_->arm(kDyingTakes);
}

void Process::print(Stream stream, std::string_view line) {
  last_lines_.emplace_back(line.substr(0, kMostOfALastLine));
  if (last_lines_.size() > kLastLines) last_lines_.pop_front();
  observer_.printed(*this, stream, line);
}

}  // namespace reeve::supervisor
