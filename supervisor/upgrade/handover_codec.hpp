#pragma once
// A handover as text, and back. What is read was written by another version of this program: what
// it does not say takes its default, and what is unknown here is ignored, unless the writer names
// it under "needs". Every value is checked: type, range, and that whatever it refers to is there.
// Pure.

#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// Only the same format is taken over. It need not change with the fields; format 1 knew no other
/// fields than its own.
inline constexpr int kHandoverFormat = 2;

[[nodiscard]] std::string encode(const Handover& handover);
/// All that a trial has to judge: without the tails, which are long, and cannot be misread.
[[nodiscard]] std::string encode_for_trial(Handover handover);

/// An error names what is wrong: "pools[0].processes[1].pid: out of range".
[[nodiscard]] ipc::Result<Handover> decode_handover(std::string_view text);

}  // namespace reeve::supervisor
