#pragma once
// Writes the head of a response. Pure, but for the Date.

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include "reeve/response.hpp"

namespace reeve::worker {

/// The Date header's value, formatted once a second.
class DateCache {
 public:
  /// "Sun, 06 Nov 1994 08:49:37 GMT" for now.
  [[nodiscard]] std::string_view now();
  /// The same for a given time.
  [[nodiscard]] static std::string format(std::time_t time);

 private:
  std::time_t second_ = -1;
  std::string text_;
};

/// How the client will know where the body ends.
enum class BodyFraming : std::uint8_t { None, Length, Chunked, UntilClose };

/// None for 204 and 304, which never have a body. A streamed response is Chunked for HTTP/1.1.
[[nodiscard]] BodyFraming framing_of(const Response& response, bool http_1_1);

/// What the Connection header must say. HTTP/1.1 keeps a connection open unless told otherwise, 1.0
/// closes it.
enum class ConnectionHeader : std::uint8_t { Absent, Close, KeepAlive };

/// Appends the status line, the header fields and the empty line.
void append_head(std::string& out, const Response& response, BodyFraming framing,
                 ConnectionHeader connection, std::string_view date);

/// Appends one chunk; an empty one would end the body, so nothing is appended for it.
void append_chunk(std::string& out, std::string_view chunk);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

/// "Not Found" for 404; "Unknown" for a status without a name.
[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace reeve::worker
