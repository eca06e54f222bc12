#include "ipc/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "ipc/base/enum_word.hpp"
#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

// Three texts of this size and all other keys fit into kMaxMessageBytes; a report of a resource or
// of something scheduled, which has one text, goes in a message of its own, as a cost does.
constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::size_t kMaxNameBytes = 128;
constexpr std::chrono::microseconds kLongestExtension = std::chrono::hours(24 * 365);

void add(std::string& message, std::string_view key, std::string_view value) {
  message += fmt::format("{}={}\n", key, printable(value, kMaxTextBytes));
}

template <class OnPair>
void for_each_pair(std::string_view text, OnPair on_pair) {
  text = text.substr(0, kMaxMessageBytes);
  while (!text.empty()) {
    std::string_view value = take_until(text, '\n');
    if (value.contains('=')) {
      const std::string_view key = take_until(value, '=');
      on_pair(key, value);
    }
  }
}

std::optional<std::chrono::microseconds> parse_extension(std::string_view value) {
  const auto usec = parse_number<std::uint64_t>(value);
  if (!usec) return std::nullopt;
  const auto longest = static_cast<std::uint64_t>(kLongestExtension.count());
  return std::chrono::microseconds(std::min(*usec, longest));
}

using Millis = std::chrono::sys_time<std::chrono::milliseconds>;

std::string to_text(Millis time) { return fmt::to_string(time.time_since_epoch().count()); }

/// Until the year 9999: what lies outside is nobody's schedule.
std::optional<Millis> parse_time(std::string_view value) {
  constexpr std::int64_t kLatest = 253'402'300'799'999;
  const auto millis = parse_number<std::int64_t>(value);
  if (!millis || *millis < 0 || *millis > kLatest) return std::nullopt;
  return Millis(std::chrono::milliseconds(*millis));
}

std::string to_text(const DueRun& run) {
  return fmt::format("{} {}", to_text(run.due), printable(run.name, kMaxNameBytes));
}

std::optional<DueRun> parse_due_run(std::string_view value) {
  const auto due = parse_time(take_until(value, ' '));
  std::string name = printable(value, kMaxNameBytes);
  if (!due || name.empty()) return std::nullopt;
  return DueRun{std::move(name), *due};
}

std::string to_text(const Lease& lease) {
  return fmt::format("{} {}", lease.fence, to_text(lease.since));
}

std::optional<Lease> parse_lease(std::string_view value) {
  const auto fence = parse_number<std::uint64_t>(take_until(value, ' '));
  const auto since = parse_time(value);
  if (!fence || !since) return std::nullopt;
  return Lease{*fence, *since};
}

void add_resource(std::string& text, const ResourceReport& resource) {
  add(text, "RESOURCE", printable(resource.name, kMaxNameBytes));
  add(text, "RESOURCE_STATE", to_string(resource.state));
  add(text, "RESOURCE_PHASE", resource.phase);
  add(text, "RESOURCE_NEED", resource.required ? "required" : "optional");
  add(text, "RESOURCE_USEC", fmt::to_string(resource.took.count()));
  if (!resource.detail.empty()) add(text, "RESOURCE_DETAIL", resource.detail);
}

void read_resource(std::optional<ResourceReport>& resource, std::string_view key,
                   std::string_view value) {
  if (key == "RESOURCE") resource.emplace().name = printable(value, kMaxNameBytes);
  if (!resource) return;
  if (key == "RESOURCE_STATE") {
    resource->state = parse_word<ResourceState>(value).value_or(ResourceState::Opening);
  }
  if (key == "RESOURCE_PHASE") resource->phase = printable(value, kMaxNameBytes);
  if (key == "RESOURCE_NEED") resource->required = value != "optional";
  if (key == "RESOURCE_USEC") resource->took = parse_extension(value).value_or(resource->took);
  if (key == "RESOURCE_DETAIL") resource->detail = printable(value, kMaxTextBytes);
}

void add_scheduled(std::string& text, const ScheduledReport& report) {
  add(text, "SCHEDULED", printable(report.name, kMaxNameBytes));
  add(text, "SCHEDULED_FOR", printable(report.schedule, kMaxNameBytes));
  add(text, "SCHEDULED_SCOPE", to_string(report.scope));
  add(text, "SCHEDULED_HERE", report.here ? "1" : "0");
  if (report.next) add(text, "SCHEDULED_NEXT", to_text(*report.next));
  if (report.last) add(text, "SCHEDULED_LAST", to_text(*report.last));
  add(text, "SCHEDULED_USEC", fmt::to_string(report.took.count()));
  add(text, "SCHEDULED_RESULT", to_string(report.result));
  add(text, "SCHEDULED_RUNNING", fmt::to_string(report.running));
  if (!report.detail.empty()) add(text, "SCHEDULED_DETAIL", report.detail);
}

void read_scheduled(std::optional<ScheduledReport>& report, std::string_view key,
                    std::string_view value) {
  if (key == "SCHEDULED") report.emplace().name = printable(value, kMaxNameBytes);
  if (!report) return;
  if (key == "SCHEDULED_FOR") report->schedule = printable(value, kMaxNameBytes);
  if (key == "SCHEDULED_SCOPE")
    report->scope = parse_word<ScheduleScope>(value).value_or(ScheduleScope::Each);
  if (key == "SCHEDULED_HERE") report->here = value == "1";
  if (key == "SCHEDULED_NEXT") report->next = parse_time(value);
  if (key == "SCHEDULED_LAST") report->last = parse_time(value);
  if (key == "SCHEDULED_USEC") report->took = parse_extension(value).value_or(report->took);
  if (key == "SCHEDULED_RESULT")
    report->result = parse_word<RunResult>(value).value_or(RunResult::None);
  if (key == "SCHEDULED_RUNNING") report->running = parse_number<std::uint16_t>(value).value_or(0);
  if (key == "SCHEDULED_DETAIL") report->detail = printable(value, kMaxTextBytes);
}

}  // namespace

std::string format(const WorkerMessage& message) {
  std::string text;
  if (message.state) add(text, "STATE", to_string(*message.state));
  if (message.ready) add(text, "READY", "1");
  if (message.stopping) add(text, "STOPPING", "1");
  if (message.reloading) add(text, "RELOADING", "1");
  if (message.watchdog) add(text, "WATCHDOG", "1");
  if (message.extend_timeout) {
    add(text, "EXTEND_TIMEOUT_USEC", fmt::to_string(message.extend_timeout->count()));
  }
  if (message.step) add(text, "STEP", *message.step);
  if (message.reason) add(text, "REASON", *message.reason);
  if (message.status) add(text, "STATUS", *message.status);
  if (message.cost) add(text, "COST", *message.cost);
  if (message.lease) add(text, "LEASE", to_string(*message.lease));
  if (message.claim) add(text, "CLAIM", to_text(*message.claim));
  if (message.resource) add_resource(text, *message.resource);
  if (message.scheduled) add_scheduled(text, *message.scheduled);
  return text;
}

WorkerMessage parse_worker_message(std::string_view text) {
  WorkerMessage message;
  for_each_pair(text, [&](std::string_view key, std::string_view value) {
    if (key == "READY") message.ready = value == "1";
    if (key == "STOPPING") message.stopping = value == "1";
    if (key == "RELOADING") message.reloading = value == "1";
    if (key == "WATCHDOG") message.watchdog = value == "1";
    if (key == "STATUS") message.status = printable(value, kMaxTextBytes);
    if (key == "STEP") message.step = printable(value, kMaxTextBytes);
    if (key == "REASON") message.reason = printable(value, kMaxTextBytes);
    if (key == "COST") message.cost = printable(value, kMaxTextBytes);
    if (key == "STATE") message.state = parse_word<WorkerState>(value);
    if (key == "EXTEND_TIMEOUT_USEC") message.extend_timeout = parse_extension(value);
    if (key == "LEASE") message.lease = parse_word<LeaseWish>(value);
    if (key == "CLAIM") message.claim = parse_due_run(value);
    if (key.starts_with("RESOURCE")) read_resource(message.resource, key, value);
    if (key.starts_with("SCHEDULED")) read_scheduled(message.scheduled, key, value);
  });
  return message;
}

std::string format(const MasterMessage& message) {
  std::string text;
  if (message.drain) add(text, "DRAIN", to_string(*message.drain));
  if (message.not_ready) add(text, "NOT_READY", "1");
  if (message.lease) add(text, "LEADER", to_text(*message.lease));
  if (message.claim) {
    add(text, message.claim->granted ? "GRANTED" : "DENIED", to_text(message.claim->run));
  }
  return text;
}

MasterMessage parse_master_message(std::string_view text) {
  MasterMessage message;
  for_each_pair(text, [&](std::string_view key, std::string_view value) {
    if (key == "DRAIN") message.drain = parse_word<DrainKind>(value);
    if (key == "NOT_READY") message.not_ready = value == "1";
    if (key == "LEADER") message.lease = parse_lease(value);
    if (key == "GRANTED" || key == "DENIED") {
      if (auto run = parse_due_run(value)) message.claim = {std::move(*run), key == "GRANTED"};
    }
  });
  return message;
}

}  // namespace reeve::ipc
