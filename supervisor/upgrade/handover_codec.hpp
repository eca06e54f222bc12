#pragma once
// A handover as text, and back. What is read was written by another version of this program, so
// every field is checked: type, range, and that whatever it refers to is there. Pure.

#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// Counts up whenever a version could misread what another has written. Only the same format is
/// taken over.
inline constexpr int kHandoverFormat = 1;

[[nodiscard]] std::string encode(const Handover& handover);

/// An error names what is missing or wrong: "pools[0].workers[1].phase: expected 0 to 3".
[[nodiscard]] ipc::Result<Handover> decode_handover(std::string_view text);

}  // namespace reeve::supervisor
