#pragma once
// A verdict as a person reads it: supervisorctl's words, then the reason. Pure.

#include <string>

#include "ipc/control/protocol.hpp"

namespace reeve::supervisor::ctl {

/// "NAME: words; reason" or "NAME: ERROR (words): reason". The first line of the reason stands
/// beside the verdict, what follows is indented below it: a worker's last words.
[[nodiscard]] std::string verdict_lines(ipc::control::Method method,
                                        const ipc::control::Verdict& verdict);

}  // namespace reeve::supervisor::ctl
