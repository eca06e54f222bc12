#include "worker/http/response_head.hpp"

#include <array>
#include <charconv>
#include <concepts>
#include <utility>

namespace reeve::worker {
namespace {

constexpr std::size_t kOwnFields = 128;  // The status line and what the server adds.
constexpr std::size_t kSmallBody = 128;  // Goes behind the head without another allocation.

constexpr std::pair<int, std::string_view> kReasons[] = {{200, "OK"},
                                                         {201, "Created"},
                                                         {202, "Accepted"},
                                                         {204, "No Content"},
                                                         {206, "Partial Content"},
                                                         {301, "Moved Permanently"},
                                                         {302, "Found"},
                                                         {303, "See Other"},
                                                         {304, "Not Modified"},
                                                         {307, "Temporary Redirect"},
                                                         {308, "Permanent Redirect"},
                                                         {400, "Bad Request"},
                                                         {401, "Unauthorized"},
                                                         {403, "Forbidden"},
                                                         {404, "Not Found"},
                                                         {405, "Method Not Allowed"},
                                                         {408, "Request Timeout"},
                                                         {409, "Conflict"},
                                                         {410, "Gone"},
                                                         {413, "Content Too Large"},
                                                         {414, "URI Too Long"},
                                                         {415, "Unsupported Media Type"},
                                                         {417, "Expectation Failed"},
                                                         {422, "Unprocessable Content"},
                                                         {429, "Too Many Requests"},
                                                         {431, "Request Header Fields Too Large"},
                                                         {500, "Internal Server Error"},
                                                         {501, "Not Implemented"},
                                                         {502, "Bad Gateway"},
                                                         {503, "Service Unavailable"},
                                                         {504, "Gateway Timeout"},
                                                         {505, "HTTP Version Not Supported"}};

void append_number(std::string& out, std::unsigned_integral auto number, int base = 10) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, base).ptr;
  out.append(digits.data(), end);
}

void append_framing(std::string& out, BodyFraming framing, std::size_t length) {
  if (framing == BodyFraming::Chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (framing == BodyFraming::Length) {
    out += "Content-Length: ";
    append_number(out, length);
    out += "\r\n";
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
  if (connection == ConnectionHeader::Close) out += "Connection: close\r\n";
  if (connection == ConnectionHeader::KeepAlive) out += "Connection: keep-alive\r\n";
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
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "Unknown";
}

}  // namespace reeve::worker
