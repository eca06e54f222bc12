#pragma once
// The only source of chance in the simulation. The same seed throws the same numbers on every
// machine and standard library, which the distributions of <random> do not promise: a printed seed
// must replay anywhere.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ipc/base/clock.hpp"

namespace reeve::supervisor::sim {

class RandomChoice {
 public:
  explicit RandomChoice(std::uint64_t seed) : state_(seed) {}

  /// SplitMix64.
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  /// From `low` to `high`, both included.
  int between(int low, int high) {
    return low + static_cast<int>(next() % static_cast<std::uint64_t>(high - low + 1));
  }

  /// In whole milliseconds, so that things often fall due at the same moment.
  ipc::Duration between(std::chrono::milliseconds low, std::chrono::milliseconds high) {
    const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
    return low + std::chrono::milliseconds(static_cast<std::int64_t>(next() % span));
  }

  bool percent(int chance) { return between(0, 99) < chance; }

  template <class T>
  T pick(const std::vector<T>& from) {
    return from[static_cast<std::size_t>(between(0, static_cast<int>(from.size()) - 1))];
  }

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[static_cast<std::size_t>(next() % i)]);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace reeve::supervisor::sim
