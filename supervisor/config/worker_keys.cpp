// The keys `watchdog`, `stop`, `reload` and `app`.

#include <fmt/format.h>

#include <csignal>
#include <cstring>

#include "ipc/base/text.hpp"
#include "ipc/format/document.hpp"
#include "supervisor/config/keys.hpp"
#include "supervisor/config/values.hpp"

namespace reeve::supervisor::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// Shorter, and a busy machine would look like a hung worker.
constexpr Range<Duration> kTimeout{.least = milliseconds(100), .most = hours(24)};

constexpr std::array<Word<int>, 2> kSignals{{{"abort", SIGABRT}, {"kill", SIGKILL}}};

// What an environment variable can carry (MAX_ARG_STRLEN), and some room.
constexpr std::size_t kLongestApp = 64 << 10;
constexpr int kDeepestApp = 32;

constexpr std::array<Key<PoolConfig>, 2> kWatchdogKeys{{
    {"timeout", Need::Required, "", "",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.watchdog, kTimeout); }},
    {"signal", Need::Optional, "", "",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.watchdog_signal, kSignals); }},
}};

constexpr std::array<Word<StopRule::To>, 2> kStopTo{
    {{"leader", StopRule::To::Leader}, {"group", StopRule::To::Group}}};

/// One that a program can act on.
template <class T>
void read_signal(const Cell& cell, T& to) {
  const auto name = cell.text("the name of a signal, such as \"QUIT\"");
  if (!name) return;
  const int number = signal_number(*name);
  if (number == 0)
    return cell.refuse(fmt::format("no signal {}; write QUIT or SIGQUIT", in_quotes(*name)));
  if (number == SIGKILL || number == SIGSTOP) {
    return cell.refuse(fmt::format("{} tells nothing: no program can act on it", in_quotes(*name)));
  }
  to = number;
}

constexpr std::array<Key<StopRule>, 2> kStopKeys{{
    {"signal", Need::Optional, "", "",
     [](const Cell& cell, StopRule& to) { read_signal(cell, to.signal); }},
    {"to", Need::Optional, "", "",
     [](const Cell& cell, StopRule& to) { cell.read(to.to, kStopTo); }},
}};

constexpr std::array<Key<PoolConfig>, 1> kReloadKeys{{
    {"signal", Need::Required, "", "",
     [](const Cell& cell, PoolConfig& to) { read_signal(cell, to.reload_signal); }},
}};

/// Whether values are nested in `value` more than `levels` deep.
bool is_deeper_than(int levels, const Value& value) {
  if (levels == 0) return true;
  if (const auto* array = std::get_if<Array>(&value.data)) {
    return std::ranges::any_of(
        *array, [&](const Value& element) { return is_deeper_than(levels - 1, element); });
  }
  if (const auto* table = std::get_if<Table>(&value.data)) {
    return std::ranges::any_of(
        *table, [&](const Entry& entry) { return is_deeper_than(levels - 1, entry.value); });
  }
  return false;
}

}  // namespace

void read_watchdog(const Cell& cell, PoolConfig& to) {
  if (std::holds_alternative<Table>(cell.value().data)) {
    read_table(cell, kWatchdogKeys, to);
  } else if (std::holds_alternative<std::string>(cell.value().data)) {
    cell.read(to.spec.watchdog, kTimeout);
  } else {
    cell.expected("a duration such as \"15s\", or { timeout = \"15s\", signal = \"kill\" }");
  }
}

void read_stop(const Cell& cell, StopRule& to) {
  if (std::holds_alternative<Table>(cell.value().data)) {
    read_table(cell, kStopKeys, to);
  } else if (std::holds_alternative<std::string>(cell.value().data)) {
    read_signal(cell, to.signal);
  } else {
    cell.expected("a signal such as \"QUIT\", or { signal = \"QUIT\", to = \"group\" }");
  }
}

void read_reload(const Cell& cell, PoolConfig& to) {
  if (std::holds_alternative<Table>(cell.value().data)) {
    read_table(cell, kReloadKeys, to);
  } else if (std::holds_alternative<std::string>(cell.value().data)) {
    read_signal(cell, to.reload_signal);
  } else {
    cell.expected("a signal such as \"HUP\", or { signal = \"HUP\" }");
  }
  to.spec.reloads = to.reload_signal.has_value();
}

void read_app(const Cell& cell, std::string& to) {
  const Table* table = cell.table("a table [pool.NAME.app]");
  if (!table) return;
  if (is_deeper_than(kDeepestApp, cell.value())) {
    return cell.refuse(fmt::format("nested more than {} deep; flatten it", kDeepestApp));
  }
  std::string text = ipc::document::write_document(*table);
  if (text.size() > kLongestApp) {
    return cell.refuse(
        fmt::format("larger than {} bytes; keep the bulk of it in a file and name "
                    "that here",
                    kLongestApp));
  }
  to = std::move(text);
}

}  // namespace reeve::supervisor::config

namespace reeve::supervisor {

int signal_number(std::string text) {
  if (const auto number = ipc::parse_number<int>(text)) {
    return *number > 0 && *number < NSIG ? *number : 0;
  }
  for (char& letter : text) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  if (text.starts_with("SIG")) text.erase(0, 3);
  for (int number = 1; number < NSIG; ++number) {
    const char* name = ::sigabbrev_np(number);
    if (name != nullptr && text == name) return number;
  }
  return 0;
}

}  // namespace reeve::supervisor
