#pragma once
// Helpers of the parser's tests: feeding bytes whole or in pieces, and what came out of them.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/http/request_parser.hpp"

namespace reeve::worker {

struct ParsedStream {
  std::vector<std::string> requests;  ///< "POST /path HTTP/1.1 keep-alive body=[...]"
  int status = 0;                     ///< of the refusal, or 0
  std::string left;                   ///< bytes that no request used

  bool operator==(const ParsedStream&) const = default;
};

inline std::string summary(const Request& request, const RequestParser& parser) {
  std::string text(to_string(request.method()));
  text.append(" ").append(request.target());
  text.append(parser.http_1_1() ? " 1.1" : " 1.0").append(parser.keep_alive() ? " keep" : " close");
  for (const Header& header : request.headers()) {
    text.append(" ").append(header.name).append("=[").append(header.value).append("]");
  }
  if (!request.body().empty()) text.append(" body=[").append(request.body()).append("]");
  return text;
}

/// Feeds `bytes` in pieces whose sizes `next_size` says, the way a connection does.
template <class NextSize>
ParsedStream parse_in_pieces(std::string_view bytes, const HttpLimits& limits, NextSize next_size) {
  ParsedStream stream;
  RequestParser parser(limits);
  Request request;
  parser.begin(request);
  std::string buffer;
  while (!bytes.empty()) {
    const std::size_t size = std::clamp<std::size_t>(next_size(), 1, bytes.size());
    buffer.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    while (!buffer.empty()) {
      const auto used = parser.parse(buffer);
      if (!used) {
        stream.status = used.error().status;
        return stream;  // The rest depends on the pieces.
      }
      buffer.erase(0, *used);
      if (parser.stage() != RequestParser::Stage::Complete) break;
      stream.requests.push_back(summary(request, parser));
      parser.begin(request);
    }
  }
  stream.left = buffer;
  return stream;
}

inline ParsedStream parse_whole(std::string_view bytes, const HttpLimits& limits = {}) {
  return parse_in_pieces(bytes, limits, [&] { return bytes.size(); });
}

inline ParsedStream parse_bytewise(std::string_view bytes, const HttpLimits& limits = {}) {
  return parse_in_pieces(bytes, limits, [] { return 1; });
}

}  // namespace reeve::worker
