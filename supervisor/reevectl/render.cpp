#include "supervisor/reevectl/render.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "ipc/base/counted.hpp"
#include "ipc/base/duration.hpp"
#include "ipc/version.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/render_inside.hpp"
#include "supervisor/reevectl/render_verdicts.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Process;
using ipc::control::Reply;
using ipc::control::Request;
using ipc::control::Verdict;

/// "0:01:02", "1 day, 0:00:00", "12 days, 3:04:05", as Python writes a timedelta.
std::string uptime(std::chrono::milliseconds value) {
  using std::chrono::days, std::chrono::duration_cast, std::chrono::hh_mm_ss, std::chrono::seconds;
  const hh_mm_ss clock(duration_cast<seconds>(value % days(1)));
  std::string time = fmt::format("{}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(),
                                 clock.seconds().count());
  const auto whole_days = duration_cast<days>(value).count();
  if (whole_days == 0) return time;
  return fmt::format("{}, {}", ipc::counted(whole_days, "day"), time);
}

/// How often it was restarted, and why the last time; of one that runs only while that is news.
std::string flapping(const Process& process) {
  constexpr std::chrono::hours kNews{1};
  const bool runs = process.state == "RUNNING";
  if (process.restarts == 0 || (runs && process.died_ago >= kNews)) return "";
  std::string text = fmt::format(
      "; restarted {}", process.restarts == 1 ? "once" : fmt::format("{} times", process.restarts));
  if (runs) {
    text += fmt::format(", the last time {} ago: {}", ipc::short_duration(process.died_ago),
                        process.last_death);
  }
  if (!process.last_line.empty()) text += fmt::format("; last line: {}", process.last_line);
  return text;
}

std::string description(const Process& process) {
  if (process.state != "RUNNING") return process.detail + flapping(process);
  std::string text = fmt::format("pid {}, uptime {}", process.pid, uptime(process.uptime));
  // More only when something is wrong: many a script takes the rest of the line for the uptime.
  if (process.worker_state == "Error") {
    text += process.status.empty() ? "; Error" : "; Error: " + process.status;
  }
  if (!process.trouble.empty()) text += "; " + process.trouble;
  return text + flapping(process);
}

bool is_stopped(const Process& process) {
  return process.state == "STOPPED" || process.state == "EXITED" || process.state == "FATAL";
}

/// What supervisorctl does not have: done, or not.
bool is_deployment(Method method) {
  return method == Method::Deploy || method == Method::Rollback || method == Method::Rehearse ||
         method == Method::Upgrade;
}

/// What was asked for is so already, or nobody is there whom it concerns.
bool is_so_already(Method method, const Verdict& verdict) {
  if (method == Method::Start) return verdict.code == "already_started";
  const bool is_about_what_runs =
      method == Method::Stop || method == Method::Shutdown || method == Method::Signal;
  return is_about_what_runs && verdict.code == "not_running";
}

/// It was asked for by its own name, and not by that of its group: "web:*", "all".
bool is_named(const Request& request, const std::string& process) {
  return std::ranges::any_of(request.names, [&process](const std::string& name) {
    return name == process || name == process + ":0";
  });
}

int exit_code_of(Method method, const Verdict& verdict) {
  if (verdict.ok) return exit_code::kSuccess;
  if (method == Method::Status) return exit_code::kStatusUnknown;
  if (method != Method::Signal && is_so_already(method, verdict)) return exit_code::kSuccess;
  if (is_deployment(method)) return exit_code::kFailure;

  constexpr std::array<std::string_view, 3> kDead = {"spawn_error", "abnormal_termination",
                                                     "not_running"};
  const bool dead = std::ranges::find(kDead, verdict.code) != kDead.end();
  return dead ? exit_code::kNotRunning : exit_code::kFailure;
}

/// Of a group only those are told that were not so already, as with supervisorctl.
Rendering render_verdicts(const Request& request, const std::vector<Verdict>& verdicts) {
  Rendering rendering;
  for (const Verdict& verdict : verdicts) {
    if (is_so_already(request.method, verdict) && !is_named(request, verdict.name)) continue;
    rendering.output += verdict_lines(request.method, verdict);
    // The last of several failures counts, as with supervisorctl.
    if (const int code = exit_code_of(request.method, verdict); code != exit_code::kSuccess) {
      rendering.exit_code = code;
    }
  }
  return rendering;
}

Rendering render_status(const Request& request, const Reply& reply) {
  Rendering rendering = render_verdicts(request, reply.verdicts);
  if (request.lifespan) {
    rendering.output += lifespan_tables(reply);
  } else if (request.schedule) {
    rendering.output += schedule_table(reply);
  } else {
    rendering.output += status_lines(reply.processes);
  }
  if (!reply.text.empty()) rendering.output += reply.text + '\n';
  if (std::ranges::any_of(reply.processes, is_stopped)) {
    rendering.exit_code = exit_code::kStatusNotRunning;
  }
  return rendering;
}

Rendering render_pid(const Request& request, const Reply& reply) {
  if (request.names.empty()) return {.output = fmt::format("{}\n", reply.master_pid)};
  Rendering rendering = render_verdicts(request, reply.verdicts);
  for (const Process& process : reply.processes) {
    rendering.output += fmt::format("{}\n", process.pid);
    if (process.pid == 0 && is_named(request, process.name))
      rendering.exit_code = exit_code::kNotRunning;
  }
  return rendering;
}

/// Lines about how it goes, or a report, stand above the verdicts.
Rendering with_lines(const Reply& reply, Rendering rendering) {
  std::string lines = reply.text;
  if (!lines.empty() && !lines.ends_with('\n')) lines += '\n';
  rendering.output.insert(0, lines);
  return rendering;
}

Rendering render_text(const Request& request, const Reply& reply) {
  Rendering rendering = render_verdicts(request, reply.verdicts);
  rendering.output += reply.text;
  return rendering;
}

}  // namespace

std::string status_lines(const std::vector<Process>& processes) {
  std::size_t width = 30;
  for (const Process& process : processes) width = std::max(width, process.name.size());
  std::string lines;
  for (const Process& process : processes) {
    std::string line =
        fmt::format("{:<{}}{:<10}{}", process.name, width + 3, process.state, description(process));
    line.erase(line.find_last_not_of(' ') + 1);
    lines += line + '\n';
  }
  return lines;
}

Rendering render(const Request& request, const Reply& reply) {
  if (reply.error) {
    const bool status = request.method == Method::Status;
    const std::string ours = reply.error->starts_with(ipc::control::kUnknownMethod)
                                 ? fmt::format(", and this reevectl version {}", ipc::kVersion)
                                 : "";
    return {.errors = fmt::format("reevectl: {}{}\n", *reply.error, ours),
            .exit_code = status ? exit_code::kStatusUnknown : exit_code::kFailure};
  }
  switch (request.method) {
    case Method::Status:
      return render_status(request, reply);
    case Method::Pid:
      return render_pid(request, reply);
    case Method::Tail:
    case Method::Maintail:
      return render_text(request, reply);
    case Method::Version:
      return {.output = reply.text + '\n'};
    case Method::Reread:
    case Method::Update:
    case Method::Add:
    case Method::Remove:
    case Method::Avail:
      return with_lines(reply, render_pools(request.method, reply.verdicts, reply.continues));
    default:  // Every other one is answered with verdicts.
      return with_lines(reply, render_verdicts(request, reply.verdicts));
  }
}

}  // namespace reeve::supervisor::ctl
