// The keys `watchdog` and `app`.

#include <fmt/format.h>

#include <csignal>

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
