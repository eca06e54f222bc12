#pragma once
// Where an encoded handover waits for its reader: sealed memory that survives exec by its
// descriptor, lies on no disk, and cannot change between the trial's look and the adoption.

#include <string>
#include <string_view>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"

namespace reeve::supervisor {

/// A memfd that holds `text` and can be written no more. CLOEXEC.
[[nodiscard]] ipc::Result<ipc::UniqueFd> seal(std::string_view text);

/// What seal() was given. Refuses what is not sealed: it did not come from a master.
[[nodiscard]] ipc::Result<std::string> read_sealed(int fd);

}  // namespace reeve::supervisor
