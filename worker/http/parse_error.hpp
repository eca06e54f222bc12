#pragma once
// The reason for which a request is refused. Its text goes to the client, so it tells nothing that
// the client did not send.

#include <expected>
#include <string_view>

namespace reeve::worker {

struct ParseError {
  int status;  ///< 400, 413, 414, 417, 431, 501 or 505; the connection closes after it.
  std::string_view reason;  ///< A literal.
};

template <class T>
using Parsed = std::expected<T, ParseError>;

[[nodiscard]] inline std::unexpected<ParseError> refuse(int status, std::string_view reason) {
  return std::unexpected(ParseError{status, reason});
}

}  // namespace reeve::worker
