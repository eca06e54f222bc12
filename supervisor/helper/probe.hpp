#pragma once
// A probe over the network, as the master has its helper ask it, and what is answered: the only
// thing that crosses back is a number, or a bounded text that is shown. The answer of the program
// is read in the helper alone, and may be anything. Pure.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/clock.hpp"

namespace reeve::supervisor {

/// What was heard of a probe.
struct ProbeAnswer {
  enum class Kind : std::uint8_t {
    Good,
    Bad,      ///< the program is to blame
    Unknown,  ///< the question was not put: no fault of the program's
  };
  Kind kind = Kind::Unknown;
  std::string text;  ///< why it is not good: "connection refused"
};
using OnProbeAnswer = std::function<void(ProbeAnswer answer)>;

struct NetworkProbe {
  std::string path;  ///< empty: only a connection is asked for, no HTTP
  std::string host;  ///< as Probe::host
  std::uint16_t port = 0;
  ipc::Duration timeout{};

  bool operator==(const NetworkProbe&) const = default;
};
[[nodiscard]] std::string format(const NetworkProbe& probe);
/// Nothing: it is no such text.
[[nodiscard]] std::optional<NetworkProbe> parse_network_probe(std::string_view text);

/// The status of the answer, 0 for a connection; or why there is none.
using NetworkAnswer = std::expected<int, std::string>;
[[nodiscard]] std::string format(const NetworkAnswer& answer);
/// Nothing when it is malformed, or says that the helper itself stood still.
[[nodiscard]] std::optional<NetworkAnswer> parse_network_answer(std::string_view text);
inline constexpr std::string_view kStoodStill = "still";

/// The request that asks for it. `host` as it is said.
[[nodiscard]] std::string http_request(const NetworkProbe& probe, std::string_view host);

/// Finds the status in the bytes of an answer, as they come. Holds no more than kMostBytes of it.
class HttpStatusReader {
 public:
  static constexpr std::size_t kMostBytes = 16 * 1024;

  /// Nothing: more is needed. Not to be called after an answer.
  [[nodiscard]] std::optional<NetworkAnswer> take(std::string_view bytes);
  /// What the end of the connection means before there is an answer.
  [[nodiscard]] NetworkAnswer end() const;

 private:
  std::string head_;
};

}  // namespace reeve::supervisor
