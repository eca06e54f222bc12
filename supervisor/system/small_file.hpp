#pragma once
// Small files of the kernel (/proc, /sys): read whole, written at once, never waited for.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ipc/base/error.hpp"

namespace reeve::supervisor {

/// The first `max_bytes` of the file.
[[nodiscard]] ipc::Result<std::string> read_small_file(const std::string& path,
                                                       std::size_t max_bytes = 1 << 20);
/// In one write; the file must exist.
[[nodiscard]] ipc::Result<> write_small_file(const std::string& path, std::string_view text);

/// The number behind `key` in lines of "key number", as memory.events and /proc/vmstat have them.
[[nodiscard]] std::optional<std::uint64_t> number_of(std::string_view text, std::string_view key);

/// The next line of `text`, which loses it; none: it is empty.
[[nodiscard]] std::optional<std::string_view> next_line(std::string_view& text);
/// The same for words with blanks between them.
[[nodiscard]] std::optional<std::string_view> next_word(std::string_view& text);

}  // namespace reeve::supervisor
