#pragma once
// Tells clients that follow (`reevectl events`) what happens. Nothing is kept for those that come
// later. Knows no socket. Loop thread.

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/control/protocol.hpp"
#include "supervisor/control/session_id.hpp"

namespace reeve::supervisor {

/// "2026-11-22T21:45:53.564Z": a time of the wall clock, for people to read.
[[nodiscard]] std::string utc_text(std::chrono::system_clock::time_point time);

class Events {
 public:
  using Send = std::function<void(SessionId, const ipc::control::Reply&)>;

  explicit Events(Send send) : send_(std::move(send)) {}

  void follow(SessionId session) { followers_.insert(session); }
  void gone(SessionId session) { followers_.erase(session); }

  /// `kind` is a stable word: "state", "exit", "deploy", "verdict", "command", "reload", "lease".
  /// `pool` and `slot`: whom `name` means, if anybody.
  void publish(std::string_view kind, std::string_view name, std::string_view text,
               const std::string& pool = "", std::optional<int> slot = {}) const;

 private:
  Send send_;
  std::set<SessionId> followers_;
};

}  // namespace reeve::supervisor
