// Values as text: TOML for the part of a configuration that is handed on, where tables are written
// inline, so that each entry of the outermost one is a line; and words for a message.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <variant>

#include "ipc/base/text.hpp"
#include "ipc/format/document.hpp"

namespace reeve::ipc::document {
namespace {

bool is_bare(std::string_view key) {
  const auto in_bare_key = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !key.empty() && std::ranges::all_of(key, in_bare_key);
}

std::string in_quotes(std::string_view text) {
  std::string written = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      written += '\\';
      written += c;
    } else if (byte < 0x20 || byte == 0x7F) {
      written += fmt::format("\\u{:04X}", byte);
    } else {
      written += c;
    }
  }
  return written + '"';
}

std::string entry_text(const Entry& entry);

/// "[1, 2]" or "{ a = 1, b = 2 }".
template <class Parts, class Write>
std::string listed(const Parts& parts, Write write) {
  std::string text;
  for (const auto& part : parts) {
    if (!text.empty()) text += ", ";
    text += write(part);
  }
  return text;
}

struct Write {
  std::string operator()(const std::string& text) const { return in_quotes(text); }
  std::string operator()(std::int64_t number) const { return fmt::to_string(number); }
  std::string operator()(bool boolean) const { return boolean ? "true" : "false"; }
  std::string operator()(const DateTime& time) const { return time.text; }

  std::string operator()(double number) const {
    if (std::isnan(number)) return "nan";
    if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
    std::string text = fmt::to_string(number);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";  // Else it were an integer.
    return text;
  }

  std::string operator()(const Array& array) const {
    return fmt::format(
        "[{}]", listed(array, [](const Value& value) { return std::visit(Write{}, value.data); }));
  }

  std::string operator()(const Table& table) const {
    return table.empty() ? "{}" : fmt::format("{{ {} }}", listed(table, entry_text));
  }
};

std::string entry_text(const Entry& entry) {
  return fmt::format("{} = {}", is_bare(entry.key) ? entry.key : in_quotes(entry.key),
                     std::visit(Write{}, entry.value.data));
}

constexpr std::size_t kMostShown = 120;

struct Describe {
  std::string operator()(const std::string& text) const {
    return fmt::format("the string \"{}\"", printable(text, kMostShown));
  }
  std::string operator()(std::int64_t number) const { return fmt::format("the number {}", number); }
  std::string operator()(double number) const { return fmt::format("the number {}", number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
  std::string operator()(const Array&) const { return "an array"; }
  std::string operator()(const Table&) const { return "a table"; }
  std::string operator()(const DateTime&) const { return "a date or time"; }
};

}  // namespace

std::string write_document(const Table& table) {
  std::string text;
  for (const Entry& entry : table) text += entry_text(entry) + '\n';
  return text;
}

std::string describe(const Value& value) { return std::visit(Describe{}, value.data); }

}  // namespace reeve::ipc::document
