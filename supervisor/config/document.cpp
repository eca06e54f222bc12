#include "supervisor/config/document.hpp"

namespace reeve::supervisor::config {

struct AssertionFailed {};
[[noreturn]] inline void assertion_failed() { throw AssertionFailed{}; }

}  // namespace reeve::supervisor::config

// The library is compiled into this file: its shared object would save four seconds here, but cost
// the master a library at each start. Nothing prints its types, so its formatters stay out.
#define TOML_ENABLE_FORMATTERS 0
// It asserts what is a mistake of the file (toml++ 3.3: `a = ["b", }`), and assumes it under
// NDEBUG. A typing error before a reload must not end the master.
#undef NDEBUG
#define TOML_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : ::reeve::supervisor::config::assertion_failed())
#include <toml++/toml.h>

#include <algorithm>
#include <numeric>

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

std::expected<Value, SyntaxError> parse(std::string_view text) {
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

/// An assertion does not know its place: it is the last byte of the shortest text that fails it.
Position find_assertion(std::string_view text) {
  std::size_t passes = 0;
  std::size_t fails = text.size();
  while (fails - passes > 1) {
    const std::size_t middle = std::midpoint(passes, fails);
    try {
      (void)parse(text.substr(0, middle));
      passes = middle;
    } catch (const AssertionFailed&) {
      fails = middle;
    }
  }
  const std::string_view before = text.substr(0, passes);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0, the first line.
  return {.line = 1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
          .column = 1 + before.size() - line_begin};
}

}  // namespace

std::expected<Value, SyntaxError> parse_document(std::string_view text) {
  try {
    return parse(text);
  } catch (const AssertionFailed&) {
    return std::unexpected(
        SyntaxError{.at = find_assertion(text), .text = "no value can begin here"});
  }
}

}  // namespace reeve::supervisor::config
