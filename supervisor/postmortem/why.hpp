#pragma once
// What `reevectl why` answers: how a slot fares now, and how its last worker died. Pure.

#include <string>
#include <vector>

#include "supervisor/postmortem/death_book.hpp"

namespace reeve::supervisor {

/// How a slot fares now.
struct SlotLine {
  std::string name;    ///< "web:0"
  std::string state;   ///< "BACKOFF"
  std::string detail;  ///< "exited with code 3; next try in 3 s"
  int pid = 0;         ///< 0: none
  /// What its worker's recorder says that it suffers, or has suffered, from.
  std::vector<std::string> troubles{};
};

/// `death` may be nullptr. Without `details` only who, when and why.
[[nodiscard]] std::string why(const SlotLine& slot, const DeathReport* death, bool details);

}  // namespace reeve::supervisor
