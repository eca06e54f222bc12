#include "reeve/headers.hpp"

#include <algorithm>
#include <stdexcept>

#include "worker/http/characters.hpp"

namespace reeve {
namespace {

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_written_by_server(std::string_view name) {
  switch (name.size()) {  // Told apart from most others by the length alone.
    case 4:
      return equals_ignoring_case(name, "Date");
    case 10:
      return equals_ignoring_case(name, "Connection");
    case 14:
      return equals_ignoring_case(name, "Content-Length");
    case 17:
      return equals_ignoring_case(name, "Transfer-Encoding");
    default:
      return false;
  }
}

// Room for the fields of most responses, so that adding them one by one allocates once.
constexpr std::size_t kUsualBytes = 128;

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, to_lower, to_lower);
}

void Headers::add(std::string_view name, std::string_view value) {
  if (!worker::is_token(name) || !std::ranges::all_of(value, worker::is_field_byte)) {
    throw std::invalid_argument("header \"" + std::string(name) + "\": not allowed in HTTP");
  }
  if (is_written_by_server(name)) {
    throw std::invalid_argument("header \"" + std::string(name) + "\": the server writes it");
  }
  if (lines_.empty()) lines_.reserve(kUsualBytes);
  lines_.append(name).append(": ").append(value).append("\r\n");
}

void Headers::set(std::string_view name, std::string_view value) {
  std::string others;
  for (std::string_view rest = lines_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n') + 1);
    if (!equals_ignoring_case(line.substr(0, line.find(':')), name)) others.append(line);
    rest.remove_prefix(line.size());
  }
  std::swap(lines_, others);
  add(name, value);
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (std::string_view rest = lines_; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n') + 1);
    const auto colon = line.find(':');
    if (equals_ignoring_case(line.substr(0, colon), name)) {
      return line.substr(colon + 2, line.size() - colon - 4);
    }
    rest.remove_prefix(line.size());
  }
  return std::nullopt;
}

}  // namespace reeve
