#pragma once
// The name of a client of the control socket: for those who answer one later and know no socket.

#include <cstdint>

namespace reeve::supervisor {

/// Names a client for ever; a later one never has the same.
enum class SessionId : std::uint64_t {};

}  // namespace reeve::supervisor
