#pragma once
// Where a soak takes place: a master with a pool of probe workers, the clients that ask them, what
// is printed meanwhile, and what must hold at the end whatever was done. One thread.

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/harness/reeve.hpp"
#include "tests/e2e/harness/temp_dir.hpp"
#include "tests/soak/clients.hpp"
#include "tests/soak/options.hpp"

namespace reeve::soak {

/// [pool.web]: workers of the probe on the test's listener; `more` lines are added to the pool.
[[nodiscard]] std::string web_pool(int workers, int max_draining, std::string_view more = "");

class Environment {
 public:
  /// Starts the master, waits until it is ready, and lets the clients in. Throws when there is no
  /// start.
  Environment(const Options& options, std::string_view toml);

  [[nodiscard]] e2e::Reeve& reeve() { return reeve_; }
  [[nodiscard]] const Ledger& ledger() const { return clients_.ledger(); }
  [[nodiscard]] const Options& options() const { return options_; }
  /// "@dir@" of the configuration.
  [[nodiscard]] const e2e::TempDir& dir() const { return dir_; }

  /// Something does not hold: printed at once, and the soak fails.
  void fault(const std::string& what);
  [[nodiscard]] bool faultless() const { return faults_ == 0; }

  /// Enough requests were made and enough time has passed.
  [[nodiscard]] bool satisfied() const;
  /// Looks that no more workers live than may, and prints a line, unless the last one was printed
  /// just now. `doing` is "34 of 200 rolls".
  void progress(std::string_view doing);
  static void pause(Milliseconds how_long);
  void pause_up_to(Milliseconds longest);
  [[nodiscard]] int draw(int first, int last);
  /// Waits; a fault when it does not come true.
  bool expect_soon(const std::function<bool()>& condition, const std::string& what);

  /// The clients end; then every drain must end, and exactly `workers` processes be left; then the
  /// master must stop cleanly. Prints the table; returns the exit code. `excused` says of a loss
  /// that it had to be.
  [[nodiscard]] int finish(int workers,
                           const std::function<bool(const LostRequest&)>& excused = {});

 private:
  void check_leftovers(int workers);

  Options options_;
  e2e::TempDir dir_;
  e2e::Reeve reeve_;
  Clients clients_;
  std::mt19937_64 random_;
  const Clock::time_point started_ = Clock::now();
  Clock::time_point told_{};
  std::size_t descriptors_ = 0;  ///< of the master, before anything was done to it
  int faults_ = 0;
};

}  // namespace reeve::soak
