#include "supervisor/helper/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "ipc/base/text.hpp"
#include "ipc/version.hpp"

namespace reeve::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kStatusKey = "status=";
constexpr std::string_view kErrorKey = "error=";
constexpr std::string_view kProtocol = "HTTP/1.";
constexpr std::size_t kMostErrorBytes = 300;
constexpr std::size_t kMostQuotedBytes = 40;
constexpr std::size_t kLongestStatusLine = 1024;
constexpr int kSwitchingProtocols = 101;  // The only one of its hundred that is the last.
constexpr auto kLongestTimeout = std::chrono::hours(1);

std::unexpected<std::string> no_http(std::string_view line) {
  return std::unexpected(
      fmt::format("its answer is no HTTP/1: \"{}\"", ipc::printable(line, kMostQuotedBytes)));
}

/// "HTTP/1.1 200 OK": 200. Three digits, and a blank behind them or nothing.
std::optional<int> status_in(std::string_view line) {
  constexpr std::size_t kVersion = kProtocol.size() + 2;  // With a digit and a blank.
  constexpr std::size_t kDigits = 3;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() < kVersion + kDigits || !line.starts_with(kProtocol)) return std::nullopt;
  if (line[kProtocol.size()] < '0' || line[kProtocol.size()] > '9') return std::nullopt;
  if (line[kVersion - 1] != ' ') return std::nullopt;
  const std::string_view rest = line.substr(kVersion + kDigits);
  if (!rest.empty() && rest.front() != ' ') return std::nullopt;
  const auto status = ipc::parse_number<unsigned>(line.substr(kVersion, kDigits));
  if (!status || *status < 100 || *status > 999) return std::nullopt;
  return static_cast<int>(*status);
}

/// Where the head that begins at the start of `text` ends; npos: not yet.
std::size_t end_of_head(std::string_view text) {
  const std::size_t crlf = text.find("\n\r\n");
  const std::size_t bare = text.find("\n\n");
  const std::size_t first = std::min(crlf, bare);
  if (first == std::string_view::npos) return first;
  return first + (first == crlf ? 3 : 2);
}

}  // namespace

std::string format(const NetworkProbe& probe) {
  return fmt::format("{} {}\n{}\n{}", probe.port,
                     std::chrono::duration_cast<milliseconds>(probe.timeout).count(), probe.host,
                     probe.path);
}

std::optional<NetworkProbe> parse_network_probe(std::string_view text) {
  std::string_view numbers = ipc::take_until(text, '\n');
  const auto port = ipc::parse_number<std::uint16_t>(ipc::take_until(numbers, ' '));
  const auto timeout = ipc::parse_number<std::uint32_t>(numbers);
  if (!port || *port == 0 || !timeout || milliseconds(*timeout) > kLongestTimeout) {
    return std::nullopt;
  }
  const std::string_view host = ipc::take_until(text, '\n');
  const auto is_plain = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::ranges::all_of(host, is_plain) || !std::ranges::all_of(text, is_plain)) {
    return std::nullopt;
  }
  return NetworkProbe{.path = std::string(text),
                      .host = std::string(host),
                      .port = *port,
                      .timeout = milliseconds(*timeout)};
}

std::string format(const NetworkAnswer& answer) {
  if (answer) return fmt::format("{}{}", kStatusKey, *answer);
  return fmt::format("{}{}", kErrorKey, ipc::printable(answer.error(), kMostErrorBytes));
}

std::optional<NetworkAnswer> parse_network_answer(std::string_view text) {
  if (text.starts_with(kStatusKey)) {
    const auto status = ipc::parse_number<int>(text.substr(kStatusKey.size()));
    if (!status || *status < 0 || *status > 999) return std::nullopt;
    return *status;
  }
  if (!text.starts_with(kErrorKey)) return std::nullopt;
  text.remove_prefix(kErrorKey.size());
  if (ipc::printable(text, kMostErrorBytes) != text) return std::nullopt;
  return std::unexpected(std::string(text));
}

std::string http_request(const NetworkProbe& probe, std::string_view host) {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}:{}\r\nUser-Agent: reeve-probe/{}\r\nAccept: */*\r\n"
      "Connection: close\r\n\r\n",
      probe.path, host, probe.port, ipc::kVersion);
}

std::optional<NetworkAnswer> HttpStatusReader::take(std::string_view bytes) {
  head_ += bytes.substr(0, kMostBytes - head_.size());
  for (;;) {
    const std::string_view begin = std::string_view(head_).substr(0, kProtocol.size());
    if (!kProtocol.starts_with(begin)) {
      return no_http(std::string_view(head_).substr(0, head_.find('\n')));
    }
    const std::size_t end = head_.find('\n');
    if (end == std::string::npos) {
      if (head_.size() < kLongestStatusLine) return std::nullopt;
      return no_http(head_);
    }
    const auto status = status_in(std::string_view(head_).substr(0, end));
    if (!status) return no_http(std::string_view(head_).substr(0, end));
    if (*status >= 200 || *status == kSwitchingProtocols) return *status;
    const std::size_t next = end_of_head(head_);  // Of one that only says that another comes.
    if (next == std::string::npos && head_.size() < kMostBytes) return std::nullopt;
    if (next == std::string::npos) return std::unexpected("its answer has an endless head");
    head_.erase(0, next);
  }
}

NetworkAnswer HttpStatusReader::end() const {
  return std::unexpected(head_.empty() ? "it closed the connection without an answer"
                                       : "it closed the connection in the middle of its answer");
}

}  // namespace reeve::supervisor
