#include "supervisor/config/document.hpp"

// The library is compiled into this file: its shared object would save four seconds here, but costs
// the master a library at each start. Nothing is printed from its types, so its formatters stay
// out.
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

#include "ipc/base/text.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLongestExplanation = 300;

Position position(const toml::source_region& source) {
  return {.line = source.begin.line, .column = source.begin.column};
}

Value convert(const toml::node& node);

Array convert(const toml::array& array) {
  Array values;
  values.reserve(array.size());
  for (const toml::node& element : array) values.push_back(convert(element));
  return values;
}

Table convert(const toml::table& table) {
  Table entries;
  entries.reserve(table.size());
  for (const auto& [key, node] : table) {
    entries.push_back(
        {.key = std::string(key.str()), .at = position(key.source()), .value = convert(node)});
  }
  // The library sorts by name; a person reads from the top.
  std::ranges::sort(entries, {}, &Entry::at);
  return entries;
}

Value convert(const toml::node& node) {
  const Position at = position(node.source());
  if (const auto* table = node.as_table()) return {convert(*table), at};
  if (const auto* array = node.as_array()) return {convert(*array), at};
  if (const auto* text = node.as_string()) return {text->get(), at};
  if (const auto* integer = node.as_integer()) return {integer->get(), at};
  if (const auto* real = node.as_floating_point()) return {real->get(), at};
  if (const auto* boolean = node.as_boolean()) return {boolean->get(), at};
  return {DateTime{}, at};
}

}  // namespace

std::expected<Value, SyntaxError> parse_document(std::string_view text) {
  try {
    const toml::table root = toml::parse(text);
    return Value{convert(root), Position{.line = 1, .column = 1}};
  } catch (const toml::parse_error& error) {
    // The library quotes the text as it is, line ends included.
    return std::unexpected(
        SyntaxError{.at = position(error.source()),
                    .text = ipc::printable(error.description(), kLongestExplanation)});
  }
}

}  // namespace reeve::supervisor::config
