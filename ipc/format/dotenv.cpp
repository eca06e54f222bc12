#include "ipc/format/dotenv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view trim_front(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

/// Without blanks around it. Up to a '#' that begins the value or follows a blank.
std::string_view without_comment(std::string_view value) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] != '#') continue;
    if (i == 0 || value[i - 1] == ' ' || value[i - 1] == '\t') return trim(value.substr(0, i));
  }
  return trim(value);
}

/// The meaning of "\n" and its like; nothing when the backslash is one of the value's own.
std::string_view escaped(char letter) {
  constexpr std::string_view kLetters = "nrt\"\\$";
  constexpr std::string_view kMeanings = "\n\r\t\"\\$";
  const std::size_t found = kLetters.find(letter);
  return found == std::string_view::npos ? "" : kMeanings.substr(found, 1);
}

/// Reads a text from its beginning to its end. What it says of a mistake never quotes the text: a
/// line that was broken in two may be half of a secret.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  std::expected<Variables, std::string> read() {
    while (!rest_.empty()) {
      const std::size_t began = line_ + 1;
      if (const auto wrong = read_variable(next_line()); !wrong.empty()) {
        return std::unexpected(fmt::format("line {}: {}", began, wrong));
      }
    }
    return std::move(variables_);
  }

 private:
  /// Without its end.
  std::string_view next_line() {
    std::string_view line = take_until(rest_, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    ++line_;
    return line;
  }

  /// Returns what is wrong with it; empty when nothing is.
  std::string_view read_variable(std::string_view line) {
    line = trim(line);
    if (line.empty() || line[0] == '#') return {};
    if (line.starts_with("export ") || line.starts_with("export\t")) line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return "no '=' after the name";
    const std::string_view name = trim(line.substr(0, equals));
    if (!is_variable_name(name)) {
      return "the text before the '=' is not a variable name: letters, digits and '_', a letter "
             "first";
    }
    const std::string_view written = trim_front(line.substr(equals + 1));
    std::string value;
    if (written.starts_with('"') || written.starts_with('\'')) {
      if (const auto wrong = unquote(written, value); !wrong.empty()) return wrong;
    } else {
      value = without_comment(written);
    }
    if (value.contains('\0')) return "a NUL byte, which no variable can hold";
    variables_.emplace_back(name, std::move(value));
    return {};
  }

  /// A value that begins with a quote may go on for lines. Between '...' all is taken as it is.
  std::string_view unquote(std::string_view line, std::string& to) {
    const char quote = line[0];
    line.remove_prefix(1);
    for (;;) {
      if (const auto end = take_up_to(quote, line, to)) {
        const std::string_view after = trim(line.substr(*end + 1));
        if (after.empty() || after[0] == '#') return {};
        return "more text after the closing quote";
      }
      if (rest_.empty()) {
        return quote == '"' ? "no closing \" from here to the end"
                            : "no closing ' from here to the end";
      }
      to += '\n';
      line = next_line();
    }
  }

  /// Where the closing quote is; nothing when it is on a later line.
  static std::optional<std::size_t> take_up_to(char quote, std::string_view line, std::string& to) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] == quote) return i;
      const bool escape = quote == '"' && line[i] == '\\' && i + 1 < line.size();
      if (const auto letter = escape ? escaped(line[i + 1]) : ""; !letter.empty()) {
        to += letter;
        ++i;
      } else {
        to += line[i];
      }
    }
    return std::nullopt;
  }

  std::string_view rest_;
  std::size_t line_ = 0;
  Variables variables_;
};

}  // namespace

bool is_variable_name(std::string_view name) {
  const auto in_name = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, in_name);
}

std::expected<Variables, std::string> parse_dotenv(std::string_view text) {
  return Reader(text).read();
}

}  // namespace reeve::ipc
