#include "ipc/dotenv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

constexpr std::size_t kLongestQuote = 60;

using Parsed = std::expected<std::string, std::string>;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

/// Up to a '#' that begins the value or follows a blank.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '#') continue;
    if (i == 0 || value[i - 1] == ' ' || value[i - 1] == '\t') return trim(value.substr(0, i));
  }
  return value;
}

/// What "\n" stands for; nothing when the backslash is one of the value's own.
std::string_view escaped(char letter) {
  switch (letter) {
    case 'n':
      return "\n";
    case 'r':
      return "\r";
    case 't':
      return "\t";
    case '"':
      return "\"";
    case '\\':
      return "\\";
    case '$':
      return "$";
    default:
      return {};
  }
}

/// A value that begins with a quote. Between '...' all is taken as it is.
Parsed unquote(std::string_view value) {
  const char quote = value[0];
  std::string text;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == quote) {
      if (without_comment(trim(value.substr(i + 1))).empty()) return text;
      return std::unexpected("more text after the closing quote");
    }
    const bool escape = quote == '"' && value[i] == '\\' && i + 1 < value.size();
    if (const auto letter = escape ? escaped(value[i + 1]) : ""; !letter.empty()) {
      text += letter;
      ++i;
    } else {
      text += value[i];
    }
  }
  return std::unexpected(fmt::format("no closing {} on the line", quote));
}

Parsed parse_value(std::string_view value) {
  if (!value.empty() && (value[0] == '"' || value[0] == '\'')) return unquote(value);
  return std::string(without_comment(value));
}

std::expected<void, std::string> parse_line(std::string_view line, Variables& to) {
  if (line.empty() || line[0] == '#') return {};
  if (line.contains('\0')) return std::unexpected("a NUL byte, which no variable can hold");
  if (line.starts_with("export ") || line.starts_with("export\t")) line = trim(line.substr(7));
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return std::unexpected("no '=' after the name");
  const std::string_view name = trim(line.substr(0, equals));
  if (!is_variable_name(name)) {
    return std::unexpected(
        fmt::format("'{}' is no variable's name", printable(name, kLongestQuote)));
  }
  auto value = parse_value(trim(line.substr(equals + 1)));
  if (!value) return std::unexpected(std::move(value.error()));
  to.emplace_back(name, std::move(*value));
  return {};
}

}  // namespace

bool is_variable_name(std::string_view name) {
  const auto in_name = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, in_name);
}

std::expected<Variables, std::string> parse_dotenv(std::string_view text) {
  Variables variables;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (auto parsed = parse_line(trim(text.substr(0, end)), variables); !parsed) {
      return std::unexpected(fmt::format("line {}: {}", number, parsed.error()));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return variables;
}

}  // namespace reeve::ipc
