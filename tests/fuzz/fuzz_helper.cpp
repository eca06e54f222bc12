// What the master's helper says, which may have been taken over: a packet becomes a bounded User
// that is somebody, an error of printable text, or nothing.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string_view>

#include "supervisor/helper/message.hpp"

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

void must_be_plain(std::string_view text) {
  for (const char byte : text) must(static_cast<unsigned char>(byte) >= ' ' && byte != 0x7F);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reeve::supervisor;
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  if (const auto request = parse_helper_request(packet)) {
    must(parse_helper_request(format(*request)) == request);
  }
  const auto reply = parse_helper_reply(packet);
  const auto found = reply ? parse_found_user(reply->text) : std::nullopt;
  if (!found) return 0;
  if (!*found) {
    must_be_plain(found->error());
    return 0;
  }
  const User& user = **found;
  constexpr auto kNobody = std::numeric_limits<std::uint32_t>::max();
  must(user.uid != kNobody && user.gid != kNobody);
  for (const std::uint32_t group : user.groups) must(group != kNobody);
  must_be_plain(user.name);
  must_be_plain(user.home);
  must(size > kMostReplyBytes / 2 || parse_found_user(format(*found)) == found);
  return 0;
}
