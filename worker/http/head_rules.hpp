#pragma once
// The rules of RFC 9112 for the fields of a head together, against request smuggling: one Host, one
// framing, nothing forbidden in a trailer. Pure.

#include <cstddef>
#include <span>
#include <string_view>

#include "reeve/request.hpp"
#include "worker/http/parse_error.hpp"

namespace reeve::worker {

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
