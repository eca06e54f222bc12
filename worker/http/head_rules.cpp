#include "worker/http/head_rules.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "reeve/headers.hpp"
#include "worker/http/characters.hpp"

namespace reeve::worker {
namespace {

/// The fields that decide, found in one pass.
struct Decisive {
  std::optional<std::string_view> host, content_length, transfer_encoding, expect;
};

// A second field of one of these names is refused, even with the same value: two readers might pick
// different ones.
Parsed<Decisive> find_decisive(std::span<const Header> headers) {
  Decisive found;
  // Most fields are told apart by their length alone.
  const auto field = [&found](std::string_view name) -> std::optional<std::string_view>* {
    const auto if_named = [name](auto& wanted, std::string_view its_name) {
      return equals_ignoring_case(name, its_name) ? &wanted : nullptr;
    };
    if (name.size() == 4) return if_named(found.host, "Host");
    if (name.size() == 6) return if_named(found.expect, "Expect");
    if (name.size() == 14) return if_named(found.content_length, "Content-Length");
    if (name.size() == 17) return if_named(found.transfer_encoding, "Transfer-Encoding");
    return nullptr;
  };
  for (const Header& header : headers) {
    auto* const decisive = field(header.name);
    if (decisive == nullptr) continue;
    if (*decisive) return refuse(400, "a header that may appear only once appears twice");
    *decisive = header.value;
  }
  return found;
}

Parsed<std::uint64_t> read_content_length(std::string_view text, std::size_t max) {
  const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (text.empty() || !digits) return refuse(400, "malformed Content-Length");
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || length > max) return refuse(413, "body too large");
  return length;
}

Parsed<void> check_transfer_encoding(std::string_view coding) {
  if (equals_ignoring_case(coding, "chunked")) return {};
  // A lone unknown coding is merely not implemented; any list is a way to smuggle.
  return is_token(coding) ? refuse(501, "unknown transfer coding")
                          : refuse(400, "malformed Transfer-Encoding");
}

}  // namespace

Parsed<HeadFacts> check_head(std::span<const Header> headers, bool http_1_1,
                             std::size_t max_body_bytes) {
  const auto decisive = find_decisive(headers);
  if (!decisive) return std::unexpected(decisive.error());
  const auto& [host, content_length, transfer_encoding, expect] = *decisive;

  if (http_1_1 && !host) return refuse(400, "no Host header");
  if (host && !kHost.has_all(*host)) return refuse(400, "malformed Host header");

  HeadFacts facts;
  if (transfer_encoding) {
    if (content_length) return refuse(400, "both Transfer-Encoding and Content-Length");
    if (!http_1_1) return refuse(400, "Transfer-Encoding in HTTP/1.0");
    if (const auto good = check_transfer_encoding(*transfer_encoding); !good) {
      return std::unexpected(good.error());
    }
    facts.has_body = true;
  }
  if (content_length) {
    const auto length = read_content_length(*content_length, max_body_bytes);
    if (!length) return std::unexpected(length.error());
    facts.has_body = *length > 0;
  }
  if (expect && http_1_1) {
    if (!equals_ignoring_case(*expect, "100-continue")) return refuse(417, "unknown expectation");
    facts.expects_continue = facts.has_body;
  }
  return facts;
}

bool is_forbidden_trailer(std::string_view name) {
  static constexpr std::string_view kForbidden[] = {"Authorization",
                                                    "Cache-Control",
                                                    "Connection",
                                                    "Content-Encoding",
                                                    "Content-Length",
                                                    "Content-Range",
                                                    "Content-Type",
                                                    "Cookie",
                                                    "Expect",
                                                    "Host",
                                                    "Keep-Alive",
                                                    "Max-Forwards",
                                                    "Proxy-Authorization",
                                                    "Set-Cookie",
                                                    "TE",
                                                    "Trailer",
                                                    "Transfer-Encoding",
                                                    "Upgrade"};
  return std::ranges::any_of(
      kForbidden, [name](std::string_view other) { return equals_ignoring_case(name, other); });
}

}  // namespace reeve::worker
