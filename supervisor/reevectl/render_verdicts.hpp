#pragma once
// Verdicts as a person reads them: supervisorctl's words, then the reason. Pure.

#include <string>
#include <vector>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {

/// "NAME: words; reason" or "NAME: ERROR (words): reason". The first line of the reason stands
/// beside the verdict, what follows is indented below it: a worker's last words.
[[nodiscard]] std::string verdict_lines(ipc::control::Method method,
                                        const ipc::control::Verdict& verdict);

/// The verdicts on whole pools (reread, update, add, remove, avail), for which a pool is a process
/// group. `more` will follow: then nothing is no answer yet.
[[nodiscard]] Rendering render_pools(ipc::control::Method method,
                                     const std::vector<ipc::control::Verdict>& verdicts, bool more);

}  // namespace reeve::supervisor::ctl
