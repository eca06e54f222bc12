#pragma once
// Verdicts of the core in the words of the control protocol. Pure.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/control/protocol.hpp"
#include "supervisor/core/action.hpp"

namespace reeve::supervisor {

using Verdicts = std::vector<ipc::control::Verdict>;

/// Of a pool with so many slots. `last_lines` of the culprit follow the reason, one to a line.
[[nodiscard]] ipc::control::Verdict render(const std::string& pool, std::size_t slots,
                                           const SlotVerdict& verdict,
                                           const std::vector<std::string>& last_lines);

/// A verdict by its stable word for scripts: "rolled", "refused". `text` is the reason.
[[nodiscard]] ipc::control::Verdict success(std::string name, std::string_view code,
                                            std::string text = "");
[[nodiscard]] ipc::control::Verdict refusal(std::string name, std::string_view code,
                                            std::string text = "");
/// The same verdict, about one slot of a pool.
[[nodiscard]] inline ipc::control::Verdict about(const std::string& pool, int slot,
                                                 ipc::control::Verdict verdict) {
  verdict.pool = pool;
  verdict.slot = slot;
  return verdict;
}
[[nodiscard]] ipc::control::Verdict no_such_process(const std::string& name, std::string hint);

/// One line for the log: "web:0: spawn_error: exited with code 3".
[[nodiscard]] std::string one_line(const ipc::control::Verdict& verdict);

}  // namespace reeve::supervisor
