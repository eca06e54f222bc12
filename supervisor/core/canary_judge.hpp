#pragma once
// Whether a canary is as good as the workers beside it: their figures since the watch began, and
// the verdict on them. Believes nothing that a crash contradicts. Pure.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "ipc/recorder/latencies.hpp"
#include "ipc/recorder/reader.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// What the workers of one side did together.
struct SideFigures {
  int workers = 0;
  int silent = 0;  ///< of them, those that keep no figures: foreign programs
  int crashes = 0;
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;
  ipc::Latencies latencies;

  [[nodiscard]] double error_rate() const;  ///< 0 to 1
  bool operator==(const SideFigures&) const = default;
};

struct CanaryFigures {
  SideFigures canary;
  SideFigures old;
};

struct CanaryVerdict {
  bool good = true;
  std::string text;  ///< why, with the figures
};

enum class Moment : std::uint8_t {
  Midway,  ///< only what cannot become good again counts: a crash, a storm of errors
  AtEnd,
};

/// Bad are: any crash; at least five errors, an error rate that is more than one percentage point
/// above the old one, and that by more than chance; a p99 above twice the old one and 10 ms, from
/// fifty requests a side on.
[[nodiscard]] CanaryVerdict judge(const CanaryFigures& figures, Moment moment);

/// "canary 120 requests, 0 errors (0.0 %), p99 3.1 ms, no crash; old ones 480 requests, ...".
[[nodiscard]] std::string describe(const CanaryFigures& figures);

enum class Side : std::uint8_t { Canary, Old };

/// Collects the figures. A recorder counts from its worker's start on; what was there before the
/// watch is taken off.
class CanaryLedger {
 public:
  /// What a worker's recorder says now. Its first reading is what the later ones are compared
  /// with.
  void observe(WorkerId worker, Side side, const std::optional<ipc::RecorderReading>& reading);
  /// Its last reading stays in the sum. Does nothing for a worker that was never observed.
  void crashed(WorkerId worker);

  [[nodiscard]] CanaryFigures figures() const;

 private:
  struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;
    ipc::Latencies latencies;
  };
  struct Account {
    Side side{};
    bool silent = true;
    bool crashed = false;
    Counts first;
    Counts last;
  };
  std::map<WorkerId, Account> accounts_;
};

}  // namespace reeve::supervisor
