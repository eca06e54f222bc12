#include "worker/lifespan/variable_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "ipc/base/byte_size.hpp"
#include "ipc/base/duration.hpp"
#include "ipc/base/enum_word.hpp"
#include "ipc/base/text.hpp"
#include "reeve/headers.hpp"

namespace reeve::worker {
namespace {

constexpr std::int64_t kHighestPort = 65535;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

std::optional<bool> read_bool(std::string_view text) {
  for (const std::string_view word : {"true", "yes", "on", "1"}) {
    if (equals_ignoring_case(text, word)) return true;
  }
  for (const std::string_view word : {"false", "no", "off", "0"}) {
    if (equals_ignoring_case(text, word)) return false;
  }
  return std::nullopt;
}

std::optional<std::int64_t> read_whole(std::string_view text) {
  return ipc::parse_number<std::int64_t>(text);
}

std::optional<double> read_number(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc{} || stop != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::chrono::milliseconds> read_duration(std::string_view text) {
  const auto duration = ipc::parse_duration(text);
  if (!duration) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
}

std::vector<std::string> read_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    if (const auto item = trim(text.substr(0, comma)); !item.empty()) items.emplace_back(item);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return items;
}

std::string_view wanted(VariableType type) {
  return ipc::word_of<VariableType::List>(
      type, {"a text", "true or false", "a whole number", "a number", "a port from 1 to 65535",
             "a duration such as 250ms, 30s or 1m30s", "a size such as 4096, 512MiB or 1GB",
             "a list such as a,b,c"});
}

bool is_valid(VariableType type, std::string_view text) {
  switch (type) {
    case VariableType::Text:
    case VariableType::List:
      return true;
    case VariableType::Bool:
      return read_bool(text).has_value();
    case VariableType::Whole:
      return read_whole(text).has_value();
    case VariableType::Number:
      return read_number(text).has_value();
    case VariableType::Port: {
      const auto port = read_whole(text);
      return port && *port >= 1 && *port <= kHighestPort;
    }
    case VariableType::Duration:
      return read_duration(text).has_value();
    case VariableType::Bytes:
      return ipc::parse_byte_size(text).has_value();
  }
  std::unreachable();
}

bool may_be_empty(VariableType type) {
  return type == VariableType::Text || type == VariableType::List;
}

}  // namespace reeve::worker
