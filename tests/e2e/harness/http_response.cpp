#include "tests/e2e/harness/http_response.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

namespace reeve::e2e {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

template <class Number>
Number parse(std::string_view text, int base = 10) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number, base);
  return number;
}

}  // namespace

std::string Response::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

bool ResponseReader::feed(std::string_view bytes) {
  buffer_ += bytes;
  while (body_ == Body::Unknown) {
    const auto end = buffer_.find(kHeadEnd, position_);
    if (end == std::string::npos) return false;
    read_head(end);
    // An interim response, 100 Continue, is followed by the real one.
    if (response_.status < 200) {
      response_ = {};
      body_ = Body::Unknown;
    }
  }
  return body_is_whole();
}

bool ResponseReader::end_of_stream() {
  if (body_ != Body::UntilEnd) return false;
  response_.body = buffer_.substr(position_);
  position_ = buffer_.size();
  response_.keep_alive = false;
  return true;
}

Response ResponseReader::take(std::string& rest) {
  rest = buffer_.substr(position_);
  return std::move(response_);
}

void ResponseReader::read_head(std::size_t end) {
  std::string_view head = std::string_view(buffer_).substr(position_, end - position_);
  position_ = end + kHeadEnd.size();

  const auto line_end = std::min(head.find(kLineEnd), head.size());
  const std::string_view status_line = head.substr(0, line_end);
  const bool version_1_1 = status_line.starts_with("HTTP/1.1 ");
  if (status_line.size() >= 12) response_.status = parse<int>(status_line.substr(9, 3));
  head.remove_prefix(std::min(line_end + kLineEnd.size(), head.size()));

  while (!head.empty()) {
    const auto next = std::min(head.find(kLineEnd), head.size());
    const std::string_view line = head.substr(0, next);
    const auto colon = std::min(line.find(':'), line.size() - 1);
    response_.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
    head.remove_prefix(std::min(next + kLineEnd.size(), head.size()));
  }

  const std::string connection = lower(response_.header("connection"));
  response_.keep_alive = version_1_1 ? connection != "close" : connection == "keep-alive";
  if (head_ || response_.status == 204 || response_.status == 304) {
    body_ = Body::None;
  } else if (lower(response_.header("transfer-encoding")) == "chunked") {
    body_ = Body::Chunked;
  } else if (response_.headers.contains("content-length")) {
    body_ = Body::Sized;
    size_ = parse<std::size_t>(response_.header("content-length"));
  } else {
    body_ = Body::UntilEnd;
  }
}

bool ResponseReader::body_is_whole() {
  switch (body_) {
    case Body::None:
      return true;
    case Body::Sized:
      if (buffer_.size() - position_ < size_) return false;
      response_.body = buffer_.substr(position_, size_);
      position_ += size_;
      return true;
    case Body::Chunked:
      return read_chunks();
    case Body::Unknown:
    case Body::UntilEnd:
      return false;
  }
  return false;
}

bool ResponseReader::read_chunks() {
  for (;;) {
    const auto line_end = buffer_.find(kLineEnd, position_);
    if (line_end == std::string::npos) return false;
    const auto size =
        parse<std::size_t>(std::string_view(buffer_).substr(position_, line_end - position_), 16);
    const auto data = line_end + kLineEnd.size();
    if (buffer_.size() < data + size + kLineEnd.size()) return false;
    response_.body.append(buffer_, data, size);
    position_ = data + size + kLineEnd.size();
    if (size == 0) return true;
  }
}

}  // namespace reeve::e2e
