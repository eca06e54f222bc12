#pragma once
// What the master asks its helper, and what that answers: one packet each, matched by an id. The
// helper may be broken or taken over: the master takes no reply that is not exactly of this form.
// Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "supervisor/config/config.hpp"

namespace reeve::supervisor {

enum class HelperTask : std::uint8_t {
  LookUpUser,  ///< the text is that of pool.NAME.user; the answer a FoundUser
  Ask,         ///< a NetworkProbe, and a NetworkAnswer
};
constexpr HelperTask last_of(HelperTask) { return HelperTask::Ask; }

struct HelperRequest {
  std::uint64_t id = 0;
  HelperTask task{};
  std::string text;

  bool operator==(const HelperRequest&) const = default;
};

struct HelperReply {
  std::uint64_t id = 0;
  std::string text;  ///< as its task has it

  bool operator==(const HelperReply&) const = default;
};

inline constexpr std::size_t kMostRequestBytes = 8192;
/// Less than a socket's buffer, and enough for the groups of anybody.
inline constexpr std::size_t kMostReplyBytes = 128 * 1024;

[[nodiscard]] std::string format(const HelperRequest& request);
[[nodiscard]] std::string format(const HelperReply& reply);
/// Nothing: it is no such message.
[[nodiscard]] std::optional<HelperRequest> parse_helper_request(std::string_view packet);
[[nodiscard]] std::optional<HelperReply> parse_helper_reply(std::string_view packet);

/// The answer to LookUpUser. What is too large, or is no plain text, becomes an error.
[[nodiscard]] std::string format(const FoundUser& found);
/// Nothing when it is malformed. Ids are in range and say somebody; name, home and error are
/// printable.
[[nodiscard]] std::optional<FoundUser> parse_found_user(std::string_view text);

}  // namespace reeve::supervisor
