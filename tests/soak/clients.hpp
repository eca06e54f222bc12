#pragma once
// The clients of a soak, a thread each, until they are told to stop.

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/soak/client.hpp"
#include "tests/soak/ledger.hpp"

namespace reeve::soak {

/// How many clients of each kind.
struct Mix {
  int per_request = 6;
  int keep_alive = 6;
  int uploads = 2;
  int streams = 8;
  Milliseconds stream{5'000};
};

class Clients {
 public:
  Clients(const Mix& mix, std::uint16_t port, std::uint64_t seed);
  ~Clients();
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;

  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// Waits until `count` more requests were made. False when that takes longer than `patience`.
  [[nodiscard]] bool goes_on(std::uint64_t count, Milliseconds patience = e2e::kPatience) const;
  /// Lets every client finish the request that it is at.
  void stop();

 private:
  Ledger ledger_;
  std::atomic<bool> stopping_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace reeve::soak
