// Apart from its header for the sake of fmt/chrono.h, which is heavy.

#include "supervisor/control/events.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace reeve::supervisor {

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(time - seconds).count();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), milliseconds);
}

void Events::publish(std::string_view kind, std::string_view name, std::string_view text,
                     const std::string& pool, std::optional<int> slot) const {
  if (followers_.empty()) return;
  ipc::control::Reply reply;
  reply.continues = true;
  const std::string time = utc_text(std::chrono::system_clock::now());
  reply.text = fmt::format("{} {:<8} {}{}{}\n", time, kind, name,
                           name.empty() || text.empty() ? "" : ": ", text);
  reply.event = {.time = time,
                 .kind = std::string(kind),
                 .name = std::string(name),
                 .text = std::string(text),
                 .pool = pool,
                 .slot = slot};
  // A copy: a follower that is too slow is dropped by its session, and may be gone by then.
  const auto followers = followers_;
  for (const SessionId session : followers) send_(session, reply);
}

}  // namespace reeve::supervisor
