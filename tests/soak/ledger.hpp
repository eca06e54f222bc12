#pragma once
// The results of the clients of a soak: every answer counted, every loss kept with its
// circumstances, and the table that is printed at the end. Any thread.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/harness/http_client.hpp"

namespace reeve::soak {

using Clock = std::chrono::steady_clock;
using e2e::Milliseconds;

/// What a client does.
enum class Kind : std::uint8_t { PerRequest, KeepAlive, Upload, Stream };
inline constexpr std::array kKinds = {Kind::PerRequest, Kind::KeepAlive, Kind::Upload,
                                      Kind::Stream};
[[nodiscard]] std::string_view to_string(Kind kind);

/// One request that got no whole and right answer.
struct LostRequest {
  Kind kind{};
  e2e::Loss how{};
  Clock::time_point sent_at;
  Clock::time_point lost_at;
  std::uint16_t client_port = 0;  ///< 0: there was no connection
  bool reused = false;            ///< its connection had carried another before
  std::string about;              ///< what came instead, where something did
};

class Ledger {
 public:
  void answered(Kind kind);
  void lost(LostRequest request);

  [[nodiscard]] std::uint64_t requests() const;  ///< answered or lost
  [[nodiscard]] std::uint64_t lost_in_all() const;
  [[nodiscard]] std::vector<LostRequest> losses() const;
  /// The longest time so far in which no client with a short request got an answer.
  [[nodiscard]] Milliseconds longest_silence() const;

  /// A row a kind: requests, lost, and why. Then each of the first losses with its time.
  [[nodiscard]] std::string table() const;

 private:
  [[nodiscard]] std::uint64_t answered(std::size_t index) const { return answered_[index].load(); }

  const Clock::time_point started_ = Clock::now();
  std::array<std::atomic<std::uint64_t>, kKinds.size()> answered_{};
  std::atomic<std::int64_t> last_answer_ns_ = 0;  // Since started_.
  std::atomic<std::int64_t> longest_silence_ns_ = 0;
  mutable std::mutex mutex_;
  std::vector<LostRequest> lost_;
};

}  // namespace reeve::soak
