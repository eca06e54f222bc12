#pragma once
// The verdicts on whole pools - reread, update, add, remove, avail - in supervisorctl's words, for
// which a pool is a process group. Pure.

#include <vector>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {

/// `more` will follow: then nothing is no answer yet.
[[nodiscard]] Rendering render_pools(ipc::control::Method method,
                                     const std::vector<ipc::control::Verdict>& verdicts, bool more);

}  // namespace reeve::supervisor::ctl
