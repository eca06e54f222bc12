#include "supervisor/system/service_manager.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "ipc/base/text.hpp"
#include "ipc/notify.hpp"

namespace reeve::supervisor {
namespace {

/// The time for what follows a worker's deadline: its SIGKILL, and the master's own end.
constexpr auto kMargin = std::chrono::seconds(5);

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
  return value == nullptr ? "" : value;
}

/// The interval that systemd asks this process to keep, as sd_watchdog_enabled(3) finds it.
std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto pid = ipc::parse_number<pid_t>(variable("WATCHDOG_PID"));
  const auto usec = ipc::parse_number<std::uint32_t>(variable("WATCHDOG_USEC"));
  if (!usec || *usec == 0 || (pid && *pid != ::getpid())) return std::nullopt;
  return std::chrono::microseconds(*usec);
}

}  // namespace

ServiceManager::ServiceManager(ipc::uv::Loop& loop)
    : socket_(variable("NOTIFY_SOCKET")), watchdog_(loop, [this] { ping(); }) {
  if (const auto interval = watchdog_interval()) {
    ping_every_ = *interval / 2;
    watchdog_.arm(ping_every_);
  }
}

void ServiceManager::status(std::string_view text) {
  if (text == status_) return;
  status_ = text;
  send(fmt::format("STATUS={}", text));
}

void ServiceManager::reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(ipc::Clock::now().time_since_epoch());
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
}

void ServiceManager::wait_until(ipc::TimePoint end, ipc::TimePoint now) {
  end += kMargin;
  if (end <= promised_ || end <= now) return;
  promised_ = end;
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - now);
  send(fmt::format("EXTEND_TIMEOUT_USEC={}", left.count()));
}

void ServiceManager::ask_for(ipc::Duration time) {
  const auto wait = std::chrono::duration_cast<std::chrono::microseconds>(time + kMargin);
  [[maybe_unused]] const auto tolerated =
      ipc::notify(variable("NOTIFY_SOCKET"), fmt::format("EXTEND_TIMEOUT_USEC={}", wait.count()));
}

void ServiceManager::ping() {
  send("WATCHDOG=1");
  watchdog_.arm(ping_every_);
}

void ServiceManager::send(std::string_view text) const {
  if (socket_.empty()) return;
  // Nobody may be listening any more; that is not the workers' trouble, ignoring.
  [[maybe_unused]] const auto tolerated = ipc::notify(socket_, text);
}

}  // namespace reeve::supervisor
