// The words of the control protocol that need no JSON.

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/control/protocol.hpp"

namespace reeve::ipc::control {

std::string_view to_string(Method method) {
  switch (method) {
    case Method::Status:
      return "Status";
    case Method::Start:
      return "Start";
    case Method::Stop:
      return "Stop";
    case Method::Restart:
      return "Restart";
    case Method::Scale:
      return "Scale";
    case Method::Signal:
      return "Signal";
    case Method::Pid:
      return "Pid";
    case Method::Tail:
      return "Tail";
    case Method::Reload:
      return "Reload";
    case Method::Shutdown:
      return "Shutdown";
    case Method::Version:
      return "Version";
    case Method::Deploy:
      return "Deploy";
    case Method::Rollback:
      return "Rollback";
    case Method::Rehearse:
      return "Rehearse";
    case Method::Upgrade:
      return "Upgrade";
    case Method::Why:
      return "Why";
    case Method::Events:
      return "Events";
    case Method::Reread:
      return "Reread";
    case Method::Update:
      return "Update";
    case Method::Add:
      return "Add";
    case Method::Remove:
      return "Remove";
    case Method::Avail:
      return "Avail";
    case Method::Clear:
      return "Clear";
    case Method::Maintail:
      return "Maintail";
  }
  std::unreachable();
}

bool follows(const Request& request) {
  if (request.method == Method::Events) return true;
  return request.more && (request.method == Method::Tail || request.method == Method::Maintail);
}

std::optional<ScaleBy> parse_scale(std::string_view text) {
  const bool more = text.starts_with('+');
  const bool fewer = text.starts_with('-');
  if (more || fewer) text.remove_prefix(1);
  const auto count = parse_number<unsigned>(text);
  if (!count || *count > static_cast<unsigned>(kMaxScale)) return std::nullopt;
  const int signed_count = static_cast<int>(*count);
  return ScaleBy{.relative = more || fewer, .count = fewer ? -signed_count : signed_count};
}

std::string to_string(const ScaleBy& scale) {
  return scale.relative ? fmt::format("{:+}", scale.count) : fmt::format("{}", scale.count);
}

}  // namespace reeve::ipc::control
