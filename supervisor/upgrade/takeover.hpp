#pragma once
// The receiving end of an upgrade, before there is a loop: reads what another master hands over and
// checks all of it. The child that is only tried does no more than this.

#include "ipc/base/error.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// The environment variable with the descriptor of the state, in the process that was the old
/// master. No argument, so that the command line stays what it was.
inline constexpr char kHandoverVariable[] = "REEVE_HANDOVER";

/// Reads and removes kHandoverVariable; nothing when this is an ordinary start. -1 when it is no
/// descriptor.
[[nodiscard]] std::optional<int> handed_over_at();

/// The state at the descriptor, complete, consistent, and with every descriptor that it names.
[[nodiscard]] ipc::Result<Handover> receive(int fd);

/// `reeve adopt FD`: says on stdout that it could take over, or on stderr why not. Returns an exit
/// code.
[[nodiscard]] int try_takeover(int fd);

}  // namespace reeve::supervisor
