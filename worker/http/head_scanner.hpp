#pragma once
// Finds the end of a request's head, or of its trailers, and checks every line on the way: CRLF
// only, no NUL, no folding, no blank before a colon, and the limits. It runs before llhttp, which
// tolerates more. Pure; may be called again with more bytes, and looks at no byte twice.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "reeve/http_limits.hpp"
#include "worker/http/head_rules.hpp"

namespace reeve::worker {

class HeadScanner {
 public:
  explicit HeadScanner(const HttpLimits& limits) : limits_(&limits) {}

  /// Starts on a request line.
  void begin_head();
  /// Starts on trailers, whose fields count on from those of the head.
  void begin_trailers();

  /// `bytes` is all that has arrived of the section: at each call the same bytes and perhaps more.
  /// Returns the section's size with its empty line, or nothing when it is not complete.
  [[nodiscard]] Parsed<std::optional<std::size_t>> scan(std::string_view bytes);

 private:
  enum class Line : std::uint8_t { Request, Field };

  [[nodiscard]] Parsed<void> check_line(std::string_view line);
  [[nodiscard]] Parsed<void> check_size(std::size_t line_bytes) const;

  const HttpLimits* limits_;
  Line line_ = Line::Request;
  std::size_t line_start_ = 0;
  std::size_t searched_ = 0;
  std::size_t fields_ = 0;
  std::size_t field_bytes_ = 0;
};

/// Refuses anything but METHOD SP target SP HTTP/1.0 or HTTP/1.1: 400, 501 for an unknown method,
/// 505 for another version.
[[nodiscard]] Parsed<void> check_request_line(std::string_view line);

}  // namespace reeve::worker
