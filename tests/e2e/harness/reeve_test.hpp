#pragma once
// The fixture of every end-to-end test: a directory, at most one master, and at the end the proof
// that the master ends at once when asked to and leaves no process behind. A suite is `using Name =
// ReeveTest`.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tests/e2e/harness/reeve.hpp"

namespace reeve::e2e {

class ReeveTest : public ::testing::Test {
 protected:
  /// Starts the master; the test decides what it waits for.
  Reeve& start(std::string_view toml, Environment env = {}, std::string program = "") {
    return master_.emplace(dir, toml, std::move(env), std::move(program));
  }

  /// Starts the master and waits until all of its pools serve. Throws, with its log, when they do
  /// not.
  Reeve& start_ready(std::string_view toml, Environment env = {}, std::string program = "");

  void TearDown() override;

  const TempDir dir{};

 private:
  std::optional<Reeve> master_;
};

/// [pool.web] of `workers` hello workers on the test's port; `more` lines are added to the pool.
[[nodiscard]] std::string hello_pool(int workers, std::string_view more = "");
/// The same, of probe workers.
[[nodiscard]] std::string probe_pool(int workers, std::string_view more = "");
/// A pool with any command, written as a TOML array, and any further keys.
[[nodiscard]] std::string pool(std::string_view name, std::string_view command,
                               std::string_view more = "");

/// The pid in hello's and probe's X-Pid or /pid answer; 0 when there is none.
[[nodiscard]] int answering_pid(const Answer& answer);

}  // namespace reeve::e2e
