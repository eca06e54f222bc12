#pragma once
// Reads one HTTP/1.1 response out of a byte stream, and no further. Pure, and on purpose not
// llhttp: the suite must not judge the server by the server's own parser.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace reeve::e2e {

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool keep_alive = false;  ///< the connection may carry another request

  /// The value, or "" when there is none.
  [[nodiscard]] std::string header(const std::string& name) const;
};

class ResponseReader {
 public:
  /// `head`: it answers a HEAD request, so it has no body whatever its headers say.
  explicit ResponseReader(bool head = false) : head_(head) {}

  /// Takes what recv(2) returned; true once the response is whole.
  [[nodiscard]] bool feed(std::string_view bytes);
  /// The stream has ended; true when that is what completes the response.
  [[nodiscard]] bool end_of_stream();

  /// Nothing of a response has come yet.
  [[nodiscard]] bool empty() const { return buffer_.empty(); }

  /// The whole response. What came after it is left in `rest`.
  [[nodiscard]] Response take(std::string& rest);

 private:
  enum class Body { Unknown, None, Sized, Chunked, UntilEnd };

  void read_head(std::size_t end);
  [[nodiscard]] bool body_is_whole();
  [[nodiscard]] bool read_chunks();

  bool head_;
  std::string buffer_;
  std::size_t position_ = 0;  ///< in `buffer_`: what lies before it has been read
  Body body_ = Body::Unknown;
  std::size_t size_ = 0;
  Response response_;
};

}  // namespace reeve::e2e
