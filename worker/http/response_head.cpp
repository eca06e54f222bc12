#include "worker/http/response_head.hpp"

#include <array>
#include <charconv>
#include <concepts>

namespace reeve::worker {
namespace {

constexpr std::size_t kOwnFields = 128;  // The status line and what the server adds.
constexpr std::size_t kSmallBody = 128;  // Goes behind the head without another allocation.

void append_number(std::string& out, std::unsigned_integral auto number, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), end);
}

void append_framing(std::string& out, BodyFraming framing, std::size_t length) {
  switch (framing) {
    case BodyFraming::Length:
      out += "Content-Length: ";
      append_number(out, length);
      out += "\r\n";
      break;
    case BodyFraming::Chunked:
      out += "Transfer-Encoding: chunked\r\n";
      break;
    case BodyFraming::None:
    case BodyFraming::UntilClose:
      break;
  }
}

void append_connection(std::string& out, ConnectionHeader connection) {
  switch (connection) {
    case ConnectionHeader::Absent:
      break;
    case ConnectionHeader::Close:
      out += "Connection: close\r\n";
      break;
    case ConnectionHeader::KeepAlive:
      out += "Connection: keep-alive\r\n";
      break;
  }
}

}  // namespace

std::string DateCache::format(std::time_t time) {
  // Not strftime's names: they follow the locale, and HTTP's do not.
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 40> rest;
  const auto day = static_cast<std::size_t>(utc.tm_wday);
  const auto month = static_cast<std::size_t>(utc.tm_mon);
  std::string text = kDays[day];
  text.append(rest.data(), std::strftime(rest.data(), rest.size(), ", %d ", &utc));
  text.append(kMonths[month]);
  text.append(rest.data(), std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &utc));
  return text;
}

std::string_view DateCache::now() {
  if (const std::time_t second = std::time(nullptr); second != second_) {
    second_ = second;
    text_ = format(second);
  }
  return text_;
}

BodyFraming framing_of(const Response& response, bool http_1_1) {
  if (response.status() == 204 || response.status() == 304) return BodyFraming::None;
  if (!response.producer()) return BodyFraming::Length;
  return http_1_1 ? BodyFraming::Chunked : BodyFraming::UntilClose;
}

void append_head(std::string& out, const Response& response, BodyFraming framing,
                 ConnectionHeader connection, std::string_view date) {
  const std::string_view fields = response.headers().lines();
  if (out.empty()) out.reserve(kOwnFields + fields.size() + kSmallBody);
  out += "HTTP/1.1 ";
  append_number(out, static_cast<unsigned>(response.status()));
  out += ' ';
  out += reason_phrase(response.status());
  out += "\r\nDate: ";
  out += date;
  out += "\r\n";
  append_connection(out, connection);
  append_framing(out, framing, response.body().size());
  out += fields;
  out += "\r\n";
}

void append_chunk(std::string& out, std::string_view chunk) {
  if (chunk.empty()) return;
  append_number(out, chunk.size(), 16);
  out += "\r\n";
  out += chunk;
  out += "\r\n";
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

}  // namespace reeve::worker
