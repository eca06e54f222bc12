#include "tests/e2e/probe/query.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace reeve::probe {

int number_of(const Request& request, std::string_view name, int fallback) {
  const std::optional<std::string_view> text = request.query(name);
  int value = fallback;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

std::chrono::milliseconds milliseconds_of(const Request& request) {
  return std::chrono::milliseconds(std::max(0, number_of(request, "ms", 100)));
}

}  // namespace reeve::probe
