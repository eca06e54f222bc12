#pragma once
// Clients that ask as fast as they are answered and never retry, in threads, until they are
// stopped. What they count is what a user would have seen fail.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/harness/http_client.hpp"

namespace reeve::e2e {

struct LoadPlan {
  std::uint16_t port = 0;
  int per_request = 0;  ///< clients with a connection for each request
  int keep_alive = 0;   ///< clients that keep theirs; every second one thinks between two requests
  int leaving = 0;      ///< clients that leave when an answer has begun, or soon; they lose nothing
  std::string path = "/";
  std::string body{};  ///< what is sent by POST; empty: it is a GET
  Milliseconds patience = kPatience;
};

struct LoadReport {
  std::uint64_t answered = 0;
  std::uint64_t on_kept_connections = 0;  ///< of them, those on a connection used before
  std::uint64_t closed_between = 0;  ///< connections found closed between two requests: no loss
  std::uint64_t left = 0;            ///< requests whose client left
  std::map<Loss, std::uint64_t> lost;
  Milliseconds longest_silence{};  ///< in which not one client got an answer

  [[nodiscard]] std::uint64_t lost_in_all() const;
};

void PrintTo(const LoadReport& report, std::ostream* out);

class Load {
 public:
  explicit Load(LoadPlan plan);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Waits until `count` more requests were answered. False when that takes longer than `patience`.
  [[nodiscard]] bool goes_on(std::uint64_t count = 100, Milliseconds patience = kPatience) const;

  /// Lets every client finish the request that it is at, and adds up.
  [[nodiscard]] LoadReport stop();

 private:
  [[nodiscard]] std::string request(Reuse reuse) const;
  void run_client(bool keep_alive, bool thinks);
  void run_leaving_client();
  void note_answer(bool reused);
  void note_loss(Loss loss);

  LoadPlan plan_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<std::uint64_t> reused_ = 0;
  std::atomic<std::uint64_t> closed_between_ = 0;
  std::atomic<std::uint64_t> left_ = 0;
  std::atomic<std::int64_t> last_answer_ns_ = 0;
  std::atomic<std::int64_t> longest_silence_ns_ = 0;
  std::mutex lost_mutex_;
  std::map<Loss, std::uint64_t> lost_;
  std::vector<std::jthread> clients_;
};

}  // namespace reeve::e2e
