#pragma once
// Ports without a race: the test binds, and hands the socket over.

#include <cstdint>

#include "ipc/base/unique_fd.hpp"

namespace reeve::e2e {

/// A listening socket on 127.0.0.1 with a port of the kernel's choice. CLOEXEC, blocking.
[[nodiscard]] ipc::UniqueFd listen_on_loopback(int backlog = 4096);

/// A port that nobody has just now: for a program that cannot be handed a socket, or has to name
/// it.
[[nodiscard]] std::uint16_t free_port();

/// The port a socket is bound to.
[[nodiscard]] std::uint16_t port_of(int fd);

}  // namespace reeve::e2e
