#include "ipc/base/byte_size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <limits>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t bytes;
};
// From large to small: the first that divides a size writes it.
constexpr std::array<SizeUnit, 11> kSizeUnits{{{"TiB", 1ULL << 40},
                                               {"TB", 1'000'000'000'000},
                                               {"GiB", 1ULL << 30},
                                               {"GB", 1'000'000'000},
                                               {"MiB", 1ULL << 20},
                                               {"MB", 1'000'000},
                                               {"KiB", 1ULL << 10},
                                               {"kB", 1'000},
                                               {"KB", 1'000},
                                               {"B", 1},
                                               {"", 1}}};

// What TOML's integers hold, too.
constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

}  // namespace

std::optional<std::uint64_t> parse_byte_size(std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_number<std::uint64_t>(text.substr(0, digits));
  const auto* unit = std::ranges::find(kSizeUnits, text.substr(digits), &SizeUnit::name);
  if (!count || unit == kSizeUnits.end() || *count > kMost / unit->bytes) return std::nullopt;
  return *count * unit->bytes;
}

std::string write_byte_size(std::uint64_t bytes) {
  if (bytes == 0) return "0";
  const auto* unit = std::ranges::find_if(
      kSizeUnits, [bytes](const SizeUnit& each) { return bytes % each.bytes == 0; });
  const bool plain = unit->bytes == 1;
  return fmt::format("{}{}", bytes / unit->bytes, plain ? "" : unit->name);
}

std::string short_size(std::uint64_t bytes) {
  constexpr std::string_view kNames[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kNames); ++unit) size /= 1024;
  const bool is_whole = size >= 100 || size == static_cast<double>(static_cast<int>(size));
  return fmt::format("{:.{}f} {}", size, is_whole ? 0 : 1, kNames[unit]);
}

}  // namespace reeve::ipc
