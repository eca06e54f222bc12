#pragma once
// What must be true of a handover beyond the types of its fields, so that whoever takes it over
// need not look twice: nothing refers to what is not there, and nothing is there twice. Pure.

#include <string>

#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// The first rule that does not hold, with the path to where; empty when all do.
[[nodiscard]] std::string broken_rule(const Handover& handover);

}  // namespace reeve::supervisor
