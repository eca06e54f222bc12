#pragma once
// What must hold for a handover beyond the types of its fields, so that whoever takes it over need
// not check again: no dangling references, no duplicates, and descriptors that exist, are of the
// right kind and survive the next exec. Loop thread, and the child that tries a new binary.

#include <cstdint>
#include <string>
#include <vector>

#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// Pure. The first rule that does not hold, with the path to where; empty when all do.
[[nodiscard]] std::string broken_rule(const Handover& handover);

/// Those that run or may run again.
[[nodiscard]] std::vector<Deployment::State> versions_of(const PoolRunner::State& pool);

struct HandedFd {
  enum class Kind : std::uint8_t { Socket, Pipe, Memory, File };
  std::string what;  ///< "the channel of web:0"
  int fd = kNoFd;
  Kind kind{};
};

/// Every descriptor, those that are not optional also when they are missing.
[[nodiscard]] std::vector<HandedFd> descriptors_of(const Handover& handover);

/// Asks the kernel: the first that is not open, or something else; empty when all are right.
[[nodiscard]] std::string wrong_descriptor(const std::vector<HandedFd>& descriptors);

/// Whether they are there after an exec, or closed. Async-signal-safe.
void set_inherited(const std::vector<int>& fds, bool inherited);

[[nodiscard]] std::vector<int> descriptor_numbers(const Handover& handover);

}  // namespace reeve::supervisor
