#pragma once
// Small files of the kernel (/proc, /sys): read whole, written at once, never waited for.

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/text.hpp"

namespace reeve::supervisor {

/// The first `max_bytes` of the file.
[[nodiscard]] ipc::Result<std::string> read_small_file(const std::string& path,
                                                       std::size_t max_bytes = 1 << 20);
/// In one write; the file must exist.
[[nodiscard]] ipc::Result<> write_small_file(const std::string& path, std::string_view text);

/// What a symbolic link points to; empty when it cannot be read.
[[nodiscard]] std::string link_target(const std::string& path);

/// The number behind `key` in lines of "key number", as memory.events and /proc/vmstat have them.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key);

/// The names in a directory, without those that begin with a dot. Calls `on_name` for each until it
/// returns false. False: there is no such directory, or it may not be read.
bool for_each_name_in(const std::string& directory,
                      const std::function<bool(std::string_view name)>& on_name);

/// The processes that cgroup.procs lists, but for pid 1.
[[nodiscard]] std::vector<pid_t> pids_in(std::string_view text);

using ipc::next_line;
using ipc::next_word;

}  // namespace reeve::supervisor
