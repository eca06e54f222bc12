#include "supervisor/process/probe_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>
#include <tuple>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

using AnswerKind = ProbeAnswer::Kind;

constexpr int kReadsOfOutput = 16;
constexpr std::size_t kMostOutput = 1024;
constexpr std::size_t kMostShown = 200;
/// For a command that has ended within its limit, and a master that was late to see it.
constexpr Duration kSecondLook = std::chrono::milliseconds(50);

std::string with_last_line(std::string text, std::string_view output) {
  std::string_view last;
  while (const auto line = ipc::next_line(output)) {
    if (line->find_first_not_of(" \t\r") != std::string_view::npos) last = *line;
  }
  if (last.empty()) return text;
  return fmt::format("{}: {}", text, ipc::printable(last, kMostShown));
}

}  // namespace

ProbeCommands::Run::Run(ipc::uv::Loop& loop, std::function<void()> on_limit,
                        std::function<void()> on_output, Launcher::LaunchedProbe launched)
    : process(std::move(launched)),
      timer(loop, std::move(on_limit)),
      poll(loop, process.output.get(), [on_output = std::move(on_output)](int) { on_output(); }) {}

void ProbeCommands::run(const ProbeQuestion& question, OnProbeAnswer on_answer) {
  if (runs_.size() >= kMostAtOnce)
    return on_answer({AnswerKind::Unknown, "too many commands run already"});
  auto launched = launcher_.launch_probe(question.pool, question.probe, question.who, question.pid);
  if (!launched) return on_answer({AnswerKind::Unknown, launched.error().text});
  const pid_t pid = launched->spawned.pid;
  try {
    Run& run = runs_
                   .emplace(std::piecewise_construct, std::forward_as_tuple(pid),
                            std::forward_as_tuple(
                                loop_, [this, pid] { on_limit(pid); },
                                [this, pid] { read(runs_.at(pid)); }, std::move(*launched)))
                   .first->second;
    run.program = question.probe.command.front();
    run.limit = question.probe.timeout;
    run.on_answer = std::move(on_answer);
    run.timer.arm_from_now(run.limit);
    run.poll.watch(UV_READABLE);
  } catch (const std::system_error& lack) {  // It is reaped as any child, and is nobody's.
    ::kill(-pid, SIGKILL);
    on_answer({AnswerKind::Unknown, lack.what()});
  }
}

void ProbeCommands::on_limit(pid_t pid) {
  Run& run = runs_.at(pid);
  if (!std::exchange(run.is_late, true)) return run.timer.arm_from_now(kSecondLook);
  kill(pid, run);
  read(run);
  answer(run, AnswerKind::Bad,
         with_last_line(fmt::format("it did not end within {}", short_duration(run.limit)),
                        run.output));
}

/// At the end of its output nothing is left to watch; it may well live on.
void ProbeCommands::read(Run& run) {
  std::array<char, kMostOutput> bytes;
  for (int i = 0; i < kReadsOfOutput; ++i) {
    const ssize_t size = ::read(run.process.output.get(), bytes.data(), bytes.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) return run.poll.watch(0);
    run.output.append(bytes.data(), static_cast<std::size_t>(size));
    if (run.output.size() > kMostOutput) run.output.erase(0, run.output.size() - kMostOutput);
  }
}

void ProbeCommands::kill(pid_t pid, const Run& run) {
  ::kill(-pid, SIGKILL);
  if (run.process.cgroup) run.process.cgroup->kill();
}

/// As long as nobody else can have its number.
void ProbeCommands::conclude(pid_t pid) {
  if (const auto found = runs_.find(pid); found != runs_.end()) kill(pid, found->second);
}

void ProbeCommands::exited(pid_t pid, const Death& death) {
  auto run = runs_.extract(pid);
  if (run.empty()) return;
  Run& ended = run.mapped();
  read(ended);
  LaunchPlan plan;
  plan.program = ended.program;
  const ExecResult exec = read_exec_status(ended.process.spawned.exec_status.get(), plan);
  if (exec.status == ExecStatus::Failed) {
    answer(ended, is_shortage(exec.code) ? AnswerKind::Unknown : AnswerKind::Bad, exec.error);
  } else if (death.exit_code == 0) {
    answer(ended, AnswerKind::Good, "");
  } else {
    answer(ended, AnswerKind::Bad, with_last_line(describe(death), ended.output));
  }
}

void ProbeCommands::kill_all() {
  for (auto& [pid, run] : runs_) {
    kill(pid, run);
    answer(run, AnswerKind::Unknown, "the probe was ended");
  }
}

/// Whoever hears it may ask anew, or be destroyed.
void ProbeCommands::answer(Run& run, ProbeAnswer::Kind kind, std::string text) {
  run.timer.disarm();
  const OnProbeAnswer on_answer = std::exchange(run.on_answer, nullptr);
  if (on_answer) on_answer({kind, std::move(text)});
}

}  // namespace reeve::supervisor
