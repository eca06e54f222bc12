#include "worker/http/head_scanner.hpp"

#include <algorithm>
#include <utility>

#include "reeve/request.hpp"
#include "worker/http/characters.hpp"

namespace reeve::worker {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Parsed<void> check_version(std::string_view version) {
  if (version == "HTTP/1.1" || version == "HTTP/1.0") return {};
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  return well_formed ? refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
                     : refuse(400, "malformed HTTP version");
}

bool is_target_byte(char c) { return c > 0x20 && c != 0x7f && c != '#'; }

Parsed<void> check_field(std::string_view line) {
  if (is_blank(line.front())) return refuse(400, "folded header line");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "header line without a colon");
  if (!is_token(line.substr(0, colon))) return refuse(400, "malformed header name");
  if (!std::ranges::all_of(line.substr(colon + 1), is_field_byte)) {
    return refuse(400, "control character in a header");
  }
  return {};
}

}  // namespace

Parsed<void> check_request_line(std::string_view line) {
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  const std::string_view method = line.substr(0, method_end);
  if (!is_token(method)) return refuse(400, "malformed request line");
  if (method_end == target_end) return refuse(400, "malformed request line");

  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  if (target.empty() || !std::ranges::all_of(target, is_target_byte)) {
    return refuse(400, "malformed request target");
  }
  if (const auto version = check_version(line.substr(target_end + 1)); !version) return version;
  if (!parse_method(method)) return refuse(501, "unknown method");
  return {};
}

void HeadScanner::begin_head() {
  line_ = Line::Request;
  line_start_ = searched_ = fields_ = field_bytes_ = 0;
}

void HeadScanner::begin_trailers() {
  line_ = Line::Field;
  line_start_ = searched_ = 0;
}

Parsed<std::optional<std::size_t>> HeadScanner::scan(std::string_view bytes) {
  // Bytes that are not HTTP at all, as of a TLS handshake, are refused by the first one.
  if (line_ == Line::Request && searched_ == 0 && !bytes.empty() && !kToken.has(bytes.front())) {
    return refuse(400, "malformed request line");
  }
  while (true) {
    const auto line_feed = bytes.find('\n', searched_);
    const bool whole = line_feed != std::string_view::npos;
    searched_ = whole ? line_feed + 1 : bytes.size();
    if (const auto fits = check_size(searched_ - line_start_); !fits) {
      return std::unexpected(fits.error());
    }
    if (!whole) return std::nullopt;

    std::string_view line = bytes.substr(line_start_, line_feed - line_start_);
    if (!line.ends_with('\r')) return refuse(400, "line feed without carriage return");
    line.remove_suffix(1);
    if (line.empty() && line_ == Line::Field) return searched_;
    if (const auto good = check_line(line); !good) return std::unexpected(good.error());
    line_start_ = searched_;
  }
}

Parsed<void> HeadScanner::check_line(std::string_view line) {
  if (std::exchange(line_, Line::Field) == Line::Request) return check_request_line(line);
  ++fields_;
  field_bytes_ += line.size() + 2;
  if (fields_ > limits_->headers) return refuse(431, "too many headers");
  return check_field(line);
}

Parsed<void> HeadScanner::check_size(std::size_t line_bytes) const {
  if (line_ == Line::Request) {
    if (line_bytes > limits_->request_line_bytes) return refuse(414, "request line too long");
  } else if (field_bytes_ + line_bytes > limits_->header_bytes + 2) {
    return refuse(431, "headers too large");
  }
  return {};
}

}  // namespace reeve::worker
