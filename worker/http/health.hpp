#pragma once
// What /health, /health/live and /health/ready answer. The runtime sets it; the server only shows
// it. Loop thread only.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/response.hpp"

namespace reeve::worker {

enum class HealthPhase : std::uint8_t { Starting, Ready, Draining };

[[nodiscard]] std::string_view to_string(HealthPhase phase);

class Health {
 public:
  void set_phase(HealthPhase phase) { phase_ = phase; }
  [[nodiscard]] HealthPhase phase() const { return phase_; }

  /// Sets or replaces a named check. `detail` says why it fails, or is empty.
  /// Only a required check makes the worker unready.
  void set_check(std::string name, bool passing, bool required, std::string detail = {});
  void remove_check(std::string_view name);

  /// Ready to serve: the phase is Ready and every required check passes.
  [[nodiscard]] bool ready() const;

  /// /health/live: 200 as long as the loop turns.
  [[nodiscard]] Response live() const;
  /// /health and /health/ready: every check; 503 unless ready().
  [[nodiscard]] Response report() const;

 private:
  struct Check {
    std::string name;
    bool passing;
    bool required;
    std::string detail;
  };

  HealthPhase phase_ = HealthPhase::Starting;
  std::vector<Check> checks_;
};

}  // namespace reeve::worker
