#pragma once
// The answers of /health, /health/live and /health/ready. The runtime sets them; the server only
// shows them. Knows no worker, so it can also be filled in from reports. Loop thread only.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/response.hpp"

namespace reeve::worker {

enum class HealthPhase : std::uint8_t { Starting, Ready, Draining };

struct HealthCheck {
  std::string name;
  bool passing = true;
  bool required = true;
  std::string detail{};  ///< why it fails, or what is said of it; may be empty
  /// How long its last answer took; of a resource, how long it took to open.
  std::optional<std::chrono::nanoseconds> latency{};
};

class Health {
 public:
  void set_phase(HealthPhase phase) { phase_ = phase; }
  [[nodiscard]] HealthPhase phase() const { return phase_; }

  /// Sets or replaces a named check. Only a required one makes the worker unready.
  void set_check(HealthCheck check);
  [[nodiscard]] const HealthCheck* find(std::string_view name) const;

  /// Ready to serve: the phase is Ready and every required check passes.
  [[nodiscard]] bool ready() const;
  /// Some check fails, required or not.
  [[nodiscard]] bool degraded() const;
  /// Which checks fail, and why: "cache: connection refused; disk: it returned false". Empty: none.
  [[nodiscard]] std::string failing() const;
  /// "starting", "ready", "degraded" (serving without something optional), "failing" (a required
  /// check fails), "draining".
  [[nodiscard]] std::string_view describe_phase() const;

  /// /health/live: 200 as long as the loop turns.
  [[nodiscard]] Response live() const;
  /// /health and /health/ready: every check; 503 unless ready().
  [[nodiscard]] Response report() const;

 private:
  HealthPhase phase_ = HealthPhase::Starting;
  std::vector<HealthCheck> checks_;
};

}  // namespace reeve::worker
