// The key `ready`: how the master learns that a worker can serve.

#include <fmt/format.h>

#include <regex>

#include "ipc/base/nearest.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/config/values.hpp"

namespace reeve::supervisor::config {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLongestPattern = 1000;
constexpr Range<Duration> kAfterRange{.least = milliseconds(0), .most = std::chrono::hours(24)};
constexpr Duration kStartedAfter = std::chrono::seconds(1);
constexpr std::string_view kWanted =
    "\"notify\", \"started\", { after = \"2s\" }, { log = \"regex\" }, { http = \"/path\" }, { tcp "
    "= 8080 } "
    "or { command = [\"check\"] }";

constexpr std::array<std::string_view, 2> kWords{"notify", "started"};

/// What `{ after = ... }` and the like say.
struct ReadyTable {
  std::optional<Duration> after;
  std::optional<std::string> log;
  Probe probe;
};

/// std::regex reports a wrong pattern by an exception; it ends here.
std::string refuse_pattern(const std::string& pattern) {
  if (pattern.empty()) return "the pattern is empty; every line would match";
  if (pattern.size() > kLongestPattern) {
    return fmt::format("the pattern is longer than {} characters", kLongestPattern);
  }
  try {
    (void)std::regex(pattern, std::regex::ECMAScript);
    return {};
  } catch (const std::regex_error& error) {
    return fmt::format("{} is not a regular expression (ECMAScript): {}", in_quotes(pattern),
                       error.what());
  }
}

void read_after(const Cell& cell, ReadyTable& to) {
  Duration after{};
  cell.read(after, kAfterRange);
  to.after = after;
}

void read_log(const Cell& cell, ReadyTable& to) {
  auto pattern = cell.text("a string with a regular expression");
  if (!pattern) return;
  if (auto why = refuse_pattern(*pattern); !why.empty()) return cell.refuse(std::move(why));
  to.log = std::move(*pattern);
}

constexpr auto kReadyKeys = and_probe_keys(std::to_array<Key<ReadyTable>>({
    {"after", Need::Optional, "", "", read_after},
    {"log", Need::Optional, "", "", read_log},
}));

void read_ready_word(const Cell& cell, const std::string& word, ReadyRule& to) {
  if (word == "notify") {
    to = ReadyNotify{};
  } else if (word == "started") {
    to = ReadyAfter{kStartedAfter};
  } else {
    cell.refuse(fmt::format("expected {}, found {}{}", kWanted, in_quotes(word),
                            ipc::did_you_mean(word, kWords)));
  }
}

void read_ready_table(const Cell& cell, const Table& rule, ReadyRule& to) {
  if (rule.empty()) return cell.refuse(fmt::format("expected {}, found an empty table", kWanted));
  ReadyTable table;
  read_table(cell, kReadyKeys, table);
  if (!check_probe_keys(cell, {"after", "log"})) return;
  if (table.after) to = ReadyAfter{*table.after};
  if (table.log) to = ReadyLog{std::move(*table.log)};
  if (is_probe(cell)) to = ReadyProbe{std::move(table.probe)};
}

}  // namespace

void read_ready(const Cell& cell, PoolConfig& to) {
  const auto& data = cell.value().data;
  if (const auto* rule = std::get_if<Table>(&data)) {
    read_ready_table(cell, *rule, to.ready);
  } else if (const auto* word = std::get_if<std::string>(&data)) {
    read_ready_word(cell, *word, to.ready);
  } else {
    cell.expected(kWanted);
  }
  const auto* after = std::get_if<ReadyAfter>(&to.ready);
  to.spec.ready_after = after ? std::optional(after->delay) : std::nullopt;
}

void read_started_after(const Cell& cell, PoolConfig& to) {
  Duration delay = kStartedAfter;
  cell.read(delay, kAfterRange);
  if (!std::holds_alternative<ReadyAfter>(to.ready)) return;  // check_times() complains.
  to.ready = ReadyAfter{delay};
  to.spec.ready_after = delay;
}

}  // namespace reeve::supervisor::config
