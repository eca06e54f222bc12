// Apart from its header for the sake of fmt/chrono.h, which is heavy.

#include "supervisor/control/events.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace reeve::supervisor {
namespace {

/// The wall clock, as the log shows it: only for people to read.
std::string time_now() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)), milliseconds);
}

}  // namespace

void Events::publish(std::string_view kind, std::string_view name, std::string_view text) const {
  if (followers_.empty()) return;
  ipc::control::Reply reply;
  reply.continues = true;
  const std::string time = time_now();
  reply.text = fmt::format("{} {:<8} {}{}{}\n", time, kind, name,
                           name.empty() || text.empty() ? "" : ": ", text);
  reply.event = {.time = time,
                 .kind = std::string(kind),
                 .name = std::string(name),
                 .text = std::string(text)};
  // A copy: a follower that is too slow is dropped by its session, and may be gone by then.
  const auto followers = followers_;
  for (const SessionId session : followers) send_(session, reply);
}

}  // namespace reeve::supervisor
