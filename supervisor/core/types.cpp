#include "supervisor/core/types.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace reeve::supervisor {

namespace {

/// What a shell means by an exit code, for a command line that is one. Others mean what the program
/// makes of them.
std::string meaning(int code) {
  constexpr int kKilled = 128;  // And the signal's number on top.
  if (code == 126) return " (a shell's code for: not permitted to execute)";
  if (code == 127) return " (a shell's code for: command not found)";
  const char* name = code > kKilled ? sigabbrev_np(code - kKilled) : nullptr;
  if (name == nullptr) return {};
  return fmt::format(" (a shell's code for: child killed by SIG{})", name);
}

}  // namespace

bool PoolSpec::expects(const Death& death) const {
  return death.exec_error.empty() && death.exit_code &&
         std::ranges::find(expected_exit, *death.exit_code) != expected_exit.end();
}

bool is_down(SlotState state) {
  switch (state) {
    case SlotState::Stopped:
    case SlotState::Backoff:
    case SlotState::Exited:
    case SlotState::Fatal:
      return true;
    case SlotState::Starting:
    case SlotState::Running:
    case SlotState::Stopping:
      return false;
  }
  std::unreachable();
}

std::string describe(const Death& death) {
  if (!death.exec_error.empty()) return fmt::format("could not be started: {}", death.exec_error);
  if (death.out_of_memory && death.memory_limit) {
    return fmt::format("killed: out of memory (its limit is {})", short_size(*death.memory_limit));
  }
  if (death.out_of_memory) return "killed: out of memory";
  if (death.killed_by_others) return "killed by SIGKILL, which Reeve did not send";
  if (death.signal) {
    const char* name = sigabbrev_np(*death.signal);
    return fmt::format(
        "killed by {}{}",
        name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", *death.signal),
        death.core_dumped ? " (core dumped)" : "");
  }
  const int code = death.exit_code.value_or(-1);
  if (!death.meaning.empty()) return fmt::format("exited with code {}: {}", code, death.meaning);
  return fmt::format("exited with code {}{}", code, meaning(code));
}

}  // namespace reeve::supervisor
