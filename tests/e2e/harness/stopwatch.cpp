#include "tests/e2e/harness/stopwatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace reeve::e2e {
namespace {

using std::chrono::nanoseconds;

/// How long the main thread of `process` ("self": our own) could run and did not.
nanoseconds run_delay(const std::string& process) {
  std::ifstream file("/proc/" + process + "/schedstat");
  nanoseconds::rep ran = 0;
  nanoseconds::rep delayed = 0;
  return file >> ran >> delayed ? nanoseconds(delayed) : nanoseconds{};
}

}  // namespace

Stopwatch::Stopwatch(pid_t process) : process_(process), delayed_before_(delayed()) {}

std::chrono::microseconds Stopwatch::elapsed() const {
  const auto took = std::chrono::steady_clock::now() - began_;
  return std::chrono::floor<std::chrono::microseconds>(took - (delayed() - delayed_before_));
}

nanoseconds Stopwatch::delayed() const {
  return run_delay("self") + (process_ == 0 ? nanoseconds{} : run_delay(std::to_string(process_)));
}

std::chrono::microseconds typical(std::chrono::microseconds bound,
                                  const std::function<std::chrono::microseconds()>& measure) {
  constexpr int kAttempts = 3;
  std::array<std::chrono::microseconds, 5> times{};
  auto best = std::chrono::microseconds::max();
  for (int attempt = 0; attempt < kAttempts && best >= bound; ++attempt) {
    std::ranges::generate(times, measure);
    std::ranges::nth_element(times, times.begin() + times.size() / 2);
    best = std::min(best, times[times.size() / 2]);
  }
  return best;
}

}  // namespace reeve::e2e
