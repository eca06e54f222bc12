// reeve_sim: random lives of a pool on a fake clock, every invariant checked after each step. A
// seed that breaks one is printed, and replays byte for byte with --seed.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "tests/sim/life.hpp"

namespace {

using reeve::supervisor::sim::live;
using reeve::supervisor::sim::Telling;
using reeve::supervisor::sim::Verdict;

struct Sum {
  std::uint64_t lives = 0;
  std::int64_t steps = 0;
  reeve::ipc::Duration lived{};
};

/// Lives one life, some of them twice more. False, and a report on stderr, when something is wrong.
bool passes(std::uint64_t seed, bool aloud, Sum& sum) {
  constexpr std::uint64_t kReplayEvery = 64;
  const Verdict verdict = live(seed, aloud ? Telling::Aloud : Telling::Silent);
  ++sum.lives;
  sum.steps += verdict.steps;
  sum.lived += verdict.lived;
  if (verdict.broken) {
    if (!aloud) {
      for (const std::string& line : live(seed, Telling::Recorded).tail)
        fmt::print(stderr, "{}\n", line);
    }
    fmt::print(stderr, "seed {}, step {}: does not hold: {}\nreplay with: reeve_sim --seed {}\n",
               seed, verdict.steps, *verdict.broken, seed);
    return false;
  }
  if (seed % kReplayEvery != 0 && !aloud) return true;
  if (live(seed, Telling::Recorded).hash == live(seed, Telling::Recorded).hash) return true;
  fmt::print(stderr, "seed {}: lived twice, and differently\n", seed);
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Random lives of a pool, checked after each step.", "reeve_sim");
  std::uint64_t seeds = 1000;
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 1;
  double least_speed = 0;
  bool verbose = false;
  app.add_option("--seeds", seeds, "how many lives")->capture_default_str();
  app.add_option("--from", from, "the seed of the first one")->capture_default_str();
  app.add_option("--seed", seed, "live this one only, and tell it");
  app.add_option("--faster-than", least_speed, "fail when simulated time is less times real time");
  app.add_flag("--verbose", verbose, "tell every life");
  CLI11_PARSE(app, argc, argv);

  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  Sum sum;
  const std::uint64_t first = seed.value_or(from);
  const std::uint64_t last = seed ? *seed : from + seeds - 1;
  for (std::uint64_t one = first; one <= last; ++one) {
    if (!passes(one, verbose || seed.has_value(), sum)) return 1;
  }
  using Seconds = std::chrono::duration<double>;
  const double simulated = Seconds(sum.lived).count();
  const double real = Seconds(Clock::now() - begin).count();
  fmt::print("{} seeds, {} steps, {:.1f} h simulated in {:.1f} s: {:.0f} times real time\n",
             sum.lives, sum.steps, simulated / 3600, real, simulated / real);
  if (simulated >= least_speed * real) return 0;
  fmt::print(stderr, "slower than {:.0f} times real time\n", least_speed);
  return 1;
}
