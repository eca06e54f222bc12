#pragma once
// Names of the system calls that a program may be found waiting in. Pure.

#include <string>

namespace reeve::supervisor {

/// "futex"; "system call 999" for one that is not known.
[[nodiscard]] std::string system_call_name(long number);

}  // namespace reeve::supervisor
