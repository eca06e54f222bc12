#include "ipc/message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

// Three texts of this size and all other keys fit into kMaxMessageBytes.
constexpr std::size_t kMaxTextBytes = 1024;
constexpr std::chrono::microseconds kLongestExtension = std::chrono::hours(24 * 365);

void add(std::string& message, std::string_view key, std::string_view value) {
  message += fmt::format("{}={}\n", key, printable(value, kMaxTextBytes));
}

template <class OnPair>
void for_each_pair(std::string_view text, OnPair on_pair) {
  text = text.substr(0, kMaxMessageBytes);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
      on_pair(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<std::chrono::microseconds> parse_extension(std::string_view value) {
  const auto usec = parse_number<std::uint64_t>(value);
  if (!usec) return std::nullopt;
  const auto longest = static_cast<std::uint64_t>(kLongestExtension.count());
  return std::chrono::microseconds(std::min(*usec, longest));
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
    if (key == "STATE") message.state = parse_worker_state(value);
    if (key == "EXTEND_TIMEOUT_USEC") message.extend_timeout = parse_extension(value);
  });
  return message;
}

std::string format(const MasterMessage& message) {
  std::string text;
  if (message.drain) add(text, "DRAIN", to_string(*message.drain));
  return text;
}

MasterMessage parse_master_message(std::string_view text) {
  MasterMessage message;
  for_each_pair(text, [&](std::string_view key, std::string_view value) {
    if (key == "DRAIN") message.drain = parse_drain_kind(value);
  });
  return message;
}

}  // namespace reeve::ipc
