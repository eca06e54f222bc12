#include "supervisor/reevectl/render_inside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>
#include <string_view>
#include <vector>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::ResourceState;
using ipc::RunResult;
using ipc::ScheduledReport;
using ipc::control::Phase;
using ipc::control::Process;
using ipc::control::Reply;
using ipc::control::Resource;
using ipc::control::ScheduledJob;
using std::chrono::microseconds;

using Row = std::vector<std::string>;

/// "350 us", "12 ms", "3.4 s", "12 min": short, for a person.
std::string brief(microseconds time) {
  const auto us = time.count();
  if (us < 1000) return fmt::format("{} us", us);
  if (us < 1'000'000) return fmt::format("{} ms", us / 1000);
  if (us < 10'000'000) return fmt::format("{:.1f} s", static_cast<double>(us) / 1e6);
  const auto seconds = us / 1'000'000;
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

/// "2026-01-31T23:59:59", local.
std::string local(const std::optional<ScheduledReport::WallTime>& time) {
  if (!time) return "-";
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  const std::time_t since = seconds.time_since_epoch().count();
  std::tm fields{};
  std::array<char, 32> text;
  if (::localtime_r(&since, &fields) == nullptr) return "?";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &fields)};
}

/// Characters of UTF-8, which take a column each as a rule.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }));
}

/// Columns as wide as their widest cell, two blanks apart; the last one is as long as it is.
std::string table(const std::vector<Row>& rows, std::string_view indentation) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line(indentation);
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(widths[i] - width_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

/// How long the last change took; of what goes on, or has not come right, how long it is so now.
std::string took_or_since(const Resource& resource) {
  const ResourceState state = resource.report.state;
  const bool has_come_right = state == ResourceState::Open || state == ResourceState::Closed;
  return has_come_right ? brief(resource.report.took)
                        : fmt::format("for {}", brief(resource.since));
}

/// "database/pool" stands below "database", as "pool".
void add_rows(const std::vector<const Resource*>& resources, const Resource* holder,
              std::size_t depth, std::vector<Row>& rows) {
  const auto holder_of = [&resources](const Resource& resource) -> const Resource* {
    const std::size_t slash = resource.report.name.rfind('/');
    if (slash == std::string::npos) return nullptr;
    const std::string path = resource.report.name.substr(0, slash);
    const auto found = std::ranges::find(
        resources, path,
        [](const Resource* one) -> const std::string& { return one->report.name; });
    return found == resources.end() ? nullptr : *found;
  };
  for (const Resource* resource : resources) {
    if (holder_of(*resource) != holder) continue;
    const ipc::ResourceReport& report = resource->report;
    const std::size_t own_name = holder == nullptr ? 0 : holder->report.name.size() + 1;
    rows.push_back({std::string(2 * depth, ' ') + report.name.substr(own_name), report.phase,
                    std::string(to_string(report.state)), report.required ? "required" : "optional",
                    took_or_since(*resource), report.detail});
    add_rows(resources, resource, depth + 1, rows);
  }
}

/// "environment 2 ms, connections 34 ms, providers for 3.0 s"
std::string phases_of(const Reply& reply, int pid) {
  std::string text;
  for (const Phase& phase : reply.phases) {
    if (phase.pid != pid) continue;
    const std::size_t blank = phase.name.find(' ');
    const std::string name = blank == std::string::npos ? phase.name : phase.name.substr(blank + 1);
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", name, phase.done ? "" : "for ",
                        brief(phase.took));
  }
  return text;
}

std::string inside_of(const Reply& reply, const Process& process) {
  std::vector<const Resource*> resources;
  for (const Resource& resource : reply.resources) {
    if (resource.pid == process.pid) resources.push_back(&resource);
  }
  const std::string phases = phases_of(reply, process.pid);
  std::string text = phases.empty() ? "" : fmt::format("  start: {}\n", phases);
  if (resources.empty()) {
    if (process.worker_state.empty() && process.state == "RUNNING") {
      return text + "  it reports nothing: it is not linked with reeve::worker\n";
    }
    return text +
           (process.worker_state.empty() ? "  it has reported nothing yet\n" : "  no resources\n");
  }
  std::vector<Row> rows = {{"RESOURCE", "PHASE", "STATE", "NEED", "TOOK/SINCE", "DETAIL"}};
  add_rows(resources, nullptr, 0, rows);
  return text + table(rows, "  ");
}

std::string pool_of(const std::string& process) { return process.substr(0, process.find(':')); }

/// The rows to show. A schedule of scope `one` is reported by every worker of its pool; only the
/// report of the one that runs it is shown, or the first one when none does.
std::vector<const ScheduledJob*> shown(const std::vector<ScheduledJob>& schedule) {
  std::vector<const ScheduledJob*> shown;
  for (const ScheduledJob& scheduled : schedule) {
    const auto same = std::ranges::find_if(shown, [&scheduled](const ScheduledJob* other) {
      return scheduled.report.scope == ipc::ScheduleScope::One &&
             other->report.scope == ipc::ScheduleScope::One &&
             other->report.name == scheduled.report.name &&
             pool_of(other->process) == pool_of(scheduled.process);
    });
    if (same == shown.end()) {
      shown.push_back(&scheduled);
    } else if (scheduled.report.here) {
      *same = &scheduled;
    }
  }
  return shown;
}

}  // namespace

std::string lifespan_tables(const Reply& reply) {
  std::string text;
  std::vector<const Process*> processes;
  for (const Process& process : reply.processes) processes.push_back(&process);
  std::ranges::stable_sort(processes, {}, &Process::name);
  for (const Process* process : processes) {
    text += status_lines({*process});
    if (process->pid != 0) text += inside_of(reply, *process);
  }
  return text;
}

std::string schedule_table(const Reply& reply) {
  if (reply.schedule.empty())
    return reply.processes.empty() ? "" : "no worker has reported a scheduled job\n";
  std::vector<Row> rows = {
      {"NAME", "WORKER", "SCOPE", "SCHEDULE", "NEXT", "LAST", "TOOK", "RESULT", "RUNNING", ""}};
  for (const ScheduledJob* scheduled : shown(reply.schedule)) {
    const ScheduledReport& report = scheduled->report;
    const bool has_run = report.result != RunResult::None;
    rows.push_back(
        {report.name,
         report.scope == ipc::ScheduleScope::One && !report.here ? "nobody" : scheduled->process,
         std::string(to_string(report.scope)), report.schedule, local(report.next),
         local(report.last), has_run ? brief(report.took) : "-",
         has_run ? std::string(to_string(report.result)) : "-", fmt::to_string(report.running),
         report.detail});
  }
  return table(rows, "");
}

}  // namespace reeve::supervisor::ctl
