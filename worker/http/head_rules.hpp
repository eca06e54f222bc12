#pragma once
// The rules of RFC 9112 for the fields of a head together, against request smuggling: one Host, one
// framing, nothing forbidden in a trailer. Pure.

#include <cstddef>
#include <expected>
#include <span>
#include <string_view>

#include "reeve/request.hpp"

namespace reeve::worker {

/// The reason for which a request is refused. Its text goes to the client, so it tells nothing that
/// the client did not send.
struct ParseError {
  int status;  ///< 400, 413, 414, 417, 431, 501 or 505; the connection closes after it.
  std::string_view reason;  ///< A literal.
};

template <class T>
using Parsed = std::expected<T, ParseError>;

[[nodiscard]] inline std::unexpected<ParseError> refuse(int status, std::string_view reason) {
  return std::unexpected(ParseError{status, reason});
}

struct HeadFacts {
  bool expects_continue = false;
  bool has_body = false;
};

/// Checks Host, Content-Length, Transfer-Encoding and Expect.
[[nodiscard]] Parsed<HeadFacts> check_head(std::span<const Header> headers, bool http_1_1,
                                           std::size_t max_body_bytes);

/// Refuses trailers that would change how the request is framed, routed or authorised.
[[nodiscard]] bool is_forbidden_trailer(std::string_view name);

}  // namespace reeve::worker
