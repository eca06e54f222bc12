#pragma once
// One client of a soak: asks, checks the whole answer, thinks, asks again, and never retries. What
// it does next is drawn from its seed. One thread at a time.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <random>
#include <string>

#include "tests/e2e/harness/http_client.hpp"
#include "tests/soak/ledger.hpp"

namespace reeve::soak {

struct ClientPlan {
  Kind kind{};
  std::uint16_t port = 0;
  Milliseconds stream{5'000};  ///< how long one stream lasts
  std::uint64_t seed = 0;
};

/// The text that came instead of the answer.
struct Failure {
  e2e::Loss how{};
  std::string about{};
};
using Outcome = std::expected<e2e::Response, Failure>;

class Client {
 public:
  Client(ClientPlan plan, Ledger& ledger);

  /// Asks until told to stop, and finishes the request that it is at.
  void run(const std::atomic<bool>& stopping);

 private:
  void ask_once();
  [[nodiscard]] Outcome ask(e2e::Connection& connection, bool reuse);
  [[nodiscard]] Outcome ask_short(e2e::Connection& connection, bool reuse);
  [[nodiscard]] Outcome ask_upload(e2e::Connection& connection, bool reuse);
  [[nodiscard]] Outcome ask_stream(e2e::Connection& connection) const;
  void think();
  [[nodiscard]] bool one_in(int count);
  void pause_up_to(Milliseconds longest);

  ClientPlan plan_;
  Ledger& ledger_;
  std::mt19937_64 random_;
  std::string upload_;
  std::optional<e2e::Connection> kept_;
};

}  // namespace reeve::soak
