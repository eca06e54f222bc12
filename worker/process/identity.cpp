#include "worker/process/identity.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <concepts>
#include <cstdlib>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/environment.hpp"

namespace reeve::worker {
namespace {

namespace environment = ipc::environment;

template <std::integral Number>
ipc::Result<std::optional<Number>> read_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return std::nullopt;
  const auto number = ipc::parse_number<Number>(text);
  if (number && *number >= Number{}) return number;
  return ipc::failure(fmt::format("{}={}: not a number", name, text));
}

ipc::Result<> read_milliseconds(const char* name, std::chrono::milliseconds& into) {
  const auto number = read_number<std::int32_t>(name);
  if (!number) return std::unexpected(number.error());
  if (*number) into = std::chrono::milliseconds(**number);
  return {};
}

/// The inherited descriptor that a variable names, made CLOEXEC. Removes the variable.
ipc::Result<ipc::UniqueFd> take_fd(const char* name) {
  const auto number = read_number<int>(name);
  ::unsetenv(name);
  if (!number) return std::unexpected(number.error());
  if (!*number) return ipc::UniqueFd();
  if (::fcntl(**number, F_SETFD, FD_CLOEXEC) < 0) {
    return ipc::system_error(fmt::format("{}: descriptor", name), std::to_string(**number), errno);
  }
  return ipc::UniqueFd(**number);
}

ipc::Result<> adopt_master_lines(Identity& identity) {
  auto channel = take_fd(environment::kChannel);
  if (!channel) return std::unexpected(channel.error());
  if (*channel) identity.channel.emplace(std::move(*channel));

  auto recorder = take_fd(environment::kRecorder);
  if (!recorder) return std::unexpected(recorder.error());
  if (!*recorder) return {};
  auto attached = ipc::Recorder::attach(std::move(*recorder));
  if (!attached) return std::unexpected(attached.error());
  identity.recorder = std::move(*attached);
  return {};
}

}  // namespace

ipc::Result<Identity> adopt_identity() {
  Identity identity;
  if (auto adopted = adopt_master_lines(identity); !adopted) {
    return std::unexpected(adopted.error());
  }
  identity.listeners = ipc::adopt_listen_fds(
      [&identity](const std::string& text) { identity.warnings.push_back(text); });

  if (const char* slot = std::getenv(environment::kSlot)) identity.slot = slot;
  if (const char* socket = std::getenv(environment::kNotifySocket)) identity.notify_socket = socket;
  ::unsetenv(environment::kNotifySocket);

  const auto generation = read_number<std::uint64_t>(environment::kGeneration);
  if (!generation) return std::unexpected(generation.error());
  identity.generation = generation->value_or(0);
  const auto watchdog = read_number<std::int64_t>(environment::kWatchdogUsec);
  if (!watchdog) return std::unexpected(watchdog.error());
  if (*watchdog && **watchdog > 0) identity.watchdog = std::chrono::microseconds(**watchdog);
  auto read = read_milliseconds(environment::kGraceMs, identity.grace);
  if (read) read = read_milliseconds(environment::kIdleDrainMs, identity.idle_drain);
  if (!read) return std::unexpected(read.error());
  return identity;
}

}  // namespace reeve::worker
