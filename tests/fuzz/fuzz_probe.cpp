// What a program answers to a probe, and what the helper says of it: a status in range, an error of
// printable text, or nothing; the same however the bytes are cut, and never more held than allowed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "supervisor/helper/probe.hpp"

namespace {

using reeve::supervisor::HttpStatusReader;
using reeve::supervisor::NetworkAnswer;

void must(bool holds) {
  if (!holds) std::abort();
}

std::optional<NetworkAnswer> read(std::string_view bytes, std::size_t piece) {
  HttpStatusReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (auto answer = reader.take(bytes.substr(at, piece))) return answer;
  }
  return std::nullopt;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reeve::supervisor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = read(text, text.size() + 1);
  must(!whole || !*whole || (**whole >= 100 && **whole <= 999));
  must(whole || size < HttpStatusReader::kMostBytes);
  if (whole && *whole) must(read(text, 1) == whole);
  if (whole) {
    const auto told = parse_network_answer(format(*whole));
    must(told.has_value() && told->has_value() == whole->has_value());
  }
  if (const auto probe = parse_network_probe(text)) {
    must(parse_network_probe(format(*probe)) == probe);
    must(http_request(*probe, probe->host).find("\n\r\n") != std::string::npos);
  }
  if (const auto answer = parse_network_answer(text); answer && !*answer) {
    for (const char byte : answer->error()) must(static_cast<unsigned char>(byte) >= ' ');
  }
  return 0;
}
