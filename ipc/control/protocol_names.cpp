// A number of workers as text. The names of the protocol are a table, in the header.

#include "ipc/control/protocol_names.hpp"

#include <fmt/format.h>

#include "ipc/base/text.hpp"

namespace reeve::ipc::control {

std::optional<ScaleBy> parse_scale(std::string_view text) {
  const bool more = text.starts_with('+');
  const bool fewer = text.starts_with('-');
  if (more || fewer) text.remove_prefix(1);
  const auto count = parse_number<unsigned>(text);
  if (!count || *count > static_cast<unsigned>(kMaxScale)) return std::nullopt;
  const int signed_count = static_cast<int>(*count);
  return ScaleBy{.relative = more || fewer, .count = fewer ? -signed_count : signed_count};
}

std::string to_string(const ScaleBy& scale) {
  return scale.relative ? fmt::format("{:+}", scale.count) : fmt::format("{}", scale.count);
}

}  // namespace reeve::ipc::control
