#pragma once
// The header fields of a response: an ordered list, kept as the very lines that go on the wire.
// Refuses what could split a response: a name that is no token, a value with CR, LF or NUL.

#include <optional>
#include <string>
#include <string_view>

namespace reeve {

/// ASCII only, as field names are.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// An ordered list of header fields, of a response. A value, for one thread at a time.
class Headers {
 public:
  /// Appends a field. Throws std::invalid_argument for one that must not go on the wire, and for
  /// those that the server alone writes: Connection, Content-Length, Date, Transfer-Encoding.
  void add(std::string_view name, std::string_view value);
  /// Replaces every field of that name.
  void set(std::string_view name, std::string_view value);
  /// The first field of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

  /// "Name: value\r\n" for each field.
  [[nodiscard]] std::string_view lines() const { return lines_; }

 private:
  std::string lines_;
};

}  // namespace reeve
