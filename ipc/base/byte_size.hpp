#pragma once
// Amounts of memory as a person writes them: "512MiB", "1GB", "4096". Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::ipc {

/// A whole number of bytes, or of a unit: KiB, MiB, GiB, TiB (of 1024), kB, KB, MB, GB, TB (of
/// 1000) or B. Nothing for any other text, also for one with blanks, and for more than 2^63 - 1
/// bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_byte_size(std::string_view text);

/// A short text that parse_byte_size reads back to the same size: "512MiB".
[[nodiscard]] std::string write_byte_size(std::uint64_t bytes);

/// "512 MiB", "1.5 GiB", "100 bytes": for a person; not to be read back.
[[nodiscard]] std::string short_size(std::uint64_t bytes);

}  // namespace reeve::ipc
