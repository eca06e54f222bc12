#pragma once
// Looks for threads and sockets that exist before the lifespan: a client made by a static
// initialiser, a thread started in main(). Regular files and pipes are ignored: loggers and shells
// open them.
//
// A socket that closes on exec cannot have come through an exec, so this program opened it. One
// that does not may have been left open by the shell or IDE that started the program; but nothing
// comes through a master that is not meant for the worker.

#include <span>
#include <string>
#include <vector>

namespace reeve::worker {

struct EarlyDescriptor {
  int fd = -1;
  std::string what;  ///< "TCP connection 127.0.0.1:40112 -> 127.0.0.1:6379", "epoll"
  bool closes_on_exec = false;
  bool listens = false;
};

struct EarlyThings {
  std::vector<std::string> threads;  ///< the names of all but the calling one
  std::vector<EarlyDescriptor> descriptors;
};

/// Looks at this process. `expected` are the descriptors inherited by contract, beside stdio.
[[nodiscard]] EarlyThings find_early_things(std::span<const int> expected);

/// Each a line for a person, or empty.
struct EarlyVerdict {
  std::string refusal;  ///< what this program has made, the likely cause and the remedy
  std::string warning;  ///< what it has inherited by accident
};

/// Pure.
[[nodiscard]] EarlyVerdict judge(const EarlyThings& things, bool supervised);

}  // namespace reeve::worker
