#include "supervisor/helper/message.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <limits>
#include <utility>
#include <vector>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMostTextBytes = 4096;
constexpr auto kUnchanged = std::numeric_limits<std::uint32_t>::max();  // To setresuid(2).

bool is_plain(std::string_view text) { return ipc::printable(text, kMostTextBytes) == text; }

bool read_id(std::string_view text, std::uint32_t& to) {
  const auto id = ipc::parse_number<std::uint32_t>(text);
  if (!id || *id == kUnchanged) return false;
  to = *id;
  return true;
}

bool read_ids(std::string_view text, std::vector<std::uint32_t>& to) {
  while (!text.empty()) {
    if (!read_id(ipc::take_until(text, ','), to.emplace_back())) return false;
  }
  return true;
}

bool read_text(std::string_view text, std::string& to) {
  to = text;
  return is_plain(text);
}

bool read_member(std::string_view key, std::string_view value, User& user) {
  if (key == "uid") return read_id(value, user.uid);
  if (key == "gid") return read_id(value, user.gid);
  if (key == "groups") return read_ids(value, user.groups);
  if (key == "name") return read_text(value, user.name);
  return key == "home" && read_text(value, user.home);
}

}  // namespace

std::string format(const HelperRequest& request) {
  return fmt::format("{} {}\n{}", request.id, static_cast<int>(request.task), request.text);
}

std::string format(const HelperReply& reply) { return fmt::format("{}\n{}", reply.id, reply.text); }

std::optional<HelperRequest> parse_helper_request(std::string_view packet) {
  std::string_view head = ipc::take_until(packet, '\n');
  const auto id = ipc::parse_number<std::uint64_t>(ipc::take_until(head, ' '));
  const auto task = ipc::parse_number<std::uint8_t>(head);
  if (!id || !task || *task > static_cast<std::uint8_t>(last_of(HelperTask{}))) {
    return std::nullopt;
  }
  return HelperRequest{
      .id = *id, .task = static_cast<HelperTask>(*task), .text = std::string(packet)};
}

std::optional<HelperReply> parse_helper_reply(std::string_view packet) {
  const auto id = ipc::parse_number<std::uint64_t>(ipc::take_until(packet, '\n'));
  if (!id) return std::nullopt;
  return HelperReply{.id = *id, .text = std::string(packet)};
}

std::string format(const FoundUser& found) {
  if (!found) return "error=" + ipc::printable(found.error(), kMostTextBytes);
  if (!is_plain(found->name) || !is_plain(found->home)) {
    return "error=the user database has control characters in its name or home";
  }
  std::string text =
      fmt::format("uid={}\ngid={}\ngroups={}\nname={}\nhome={}", found->uid, found->gid,
                  fmt::join(found->groups, ","), found->name, found->home);
  // The rest of the packet is the id.
  return text.size() < kMostReplyBytes - 64 ? text : "error=it is in too many groups";
}

std::optional<FoundUser> parse_found_user(std::string_view text) {
  User user{.uid = kUnchanged, .gid = kUnchanged, .groups = {}, .name = {}, .home = {}};
  while (!text.empty()) {
    std::string_view value = ipc::take_until(text, '\n');
    const std::string_view key = ipc::take_until(value, '=');
    if (key == "error") {
      if (!is_plain(value)) return std::nullopt;
      return std::unexpected(std::string(value));
    }
    if (!read_member(key, value, user)) return std::nullopt;
  }
  if (user.uid == kUnchanged || user.gid == kUnchanged) return std::nullopt;
  return user;
}

}  // namespace reeve::supervisor
