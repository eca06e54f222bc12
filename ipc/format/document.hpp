#pragma once
// A TOML file as plain values that know where they stand. The master reads its configuration with
// it, and reevectl where the master's socket is. Knows no key by name. document.cpp alone knows the
// TOML library.

#include <compare>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace reeve::ipc::document {

/// From 1; 0 where there is no file, as for the command line.
struct Position {
  std::size_t line = 0;
  std::size_t column = 0;
  std::size_t file = 0;  ///< 0, unless who has put several documents together says which

  auto operator<=>(const Position&) const = default;
};

struct Value;
struct Entry;
using Array = std::vector<Value>;
using Table = std::vector<Entry>;  ///< in file order
/// Dates and times: TOML has them; no key takes them, they are only handed on.
struct DateTime {
  std::string text;  ///< as TOML writes it: "1979-05-27T07:32:00Z"
};

struct Value {
  std::variant<std::string, std::int64_t, double, bool, Array, Table, DateTime> data;
  Position at;
};

struct Entry {
  std::string key;
  Position at;  ///< of the key; `value.at` is the value's own
  Value value;
};

struct SyntaxError {
  Position at;
  std::string text;
};

/// Reads the text of a whole file.
[[nodiscard]] std::expected<Value, SyntaxError> parse_document(std::string_view text);

/// A table as the text of a whole file, a line for each of its entries, that parse_document reads
/// back to the same values. Comments and layout of the original are gone.
[[nodiscard]] std::string write_document(const Table& table);

/// What a value is, for a message: `the string "four"`, "a table".
[[nodiscard]] std::string describe(const Value& value);

}  // namespace reeve::ipc::document
