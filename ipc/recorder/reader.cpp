// The master's side of the recorder: copies what a worker wrote, and believes nothing of it.

#include "ipc/recorder/reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ipc/base/counted.hpp"
#include "ipc/base/duration.hpp"
#include "ipc/base/text.hpp"
#include "ipc/recorder/recorder.hpp"

namespace reeve::ipc {
namespace {

using std::chrono::duration_cast;
using Word = std::atomic<std::uint64_t>;

constexpr Duration kLongestTime = std::chrono::hours(24 * 365 * 10);
// A native worker's loop turns at least once a second; this much later it is blocked.
constexpr Duration kBlockedAfter = std::chrono::seconds(3);

std::uint64_t load(const Word& word) { return word.load(std::memory_order_relaxed); }

/// From 0 to ten years, whatever the worker says.
Duration bounded_age(std::uint64_t since_ns, TimePoint now) {
  const std::uint64_t now_ns = to_nanoseconds(now);
  if (since_ns >= now_ns) return {};
  const auto longest = static_cast<std::uint64_t>(kLongestTime.count());
  return std::chrono::nanoseconds(std::min(now_ns - since_ns, longest));
}

Duration bounded_lag(std::uint64_t lag_us) {
  const auto longest = duration_cast<std::chrono::microseconds>(kLongestTime).count();
  return std::chrono::microseconds(std::min(lag_us, static_cast<std::uint64_t>(longest)));
}

/// None before the first heartbeat.
std::optional<Duration> since_heartbeat(const RecorderPage& page, TimePoint now) {
  const std::uint64_t heartbeat_ns = load(page.heartbeat_ns);
  return heartbeat_ns == 0 ? std::nullopt : std::optional(bounded_age(heartbeat_ns, now));
}

template <std::size_t kWords>
std::string text_of(const std::array<Word, kWords>& words) {
  std::array<char, kWords * sizeof(std::uint64_t)> bytes;
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint64_t word = load(words[i]);
    std::memcpy(bytes.data() + i * sizeof(word), &word, sizeof(word));
  }
  const std::string_view text(bytes.data(), bytes.size());
  return printable(text.substr(0, text.find('\0')), bytes.size());
}

std::vector<RecorderReading::InFlight> oldest_first(const RecorderPage& page, TimePoint now) {
  std::vector<RecorderReading::InFlight> requests;
  for (const RecorderPage::Entry& entry : page.entries) {
    const std::uint64_t started_ns = load(entry.started_ns);
    if (started_ns != 0) requests.push_back({text_of(entry.route), bounded_age(started_ns, now)});
  }
  std::ranges::stable_sort(requests, std::ranges::greater{}, &RecorderReading::InFlight::age);
  return requests;
}

std::string describe_requests(const RecorderReading& reading) {
  if (reading.in_flight == 0 && reading.oldest.empty()) return "no request in flight";
  const std::uint64_t count = std::max<std::uint64_t>(reading.in_flight, reading.oldest.size());
  std::string text = counted(count, "request") + " in flight";
  if (reading.oldest.empty()) return text;
  const RecorderReading::InFlight& first = reading.oldest.front();
  return fmt::format("{}, {}{} for {}", text, count == 1 ? "" : "the oldest ", first.route,
                     short_duration(first.age));
}

std::string so_often(std::uint64_t count) {
  return count == 1 ? "once" : fmt::format("{} times", count);
}

std::string starvation(const RecorderReading& reading, Tense tense) {
  const std::string who = reading.blamed.empty() ? "something" : reading.blamed;
  const std::string how_long = short_duration(reading.starvation);
  if (!reading.loop_blocked) {
    return fmt::format("its event loop was blocked {}, {}by {} for {}",
                       so_often(reading.starvations),
                       reading.starvations == 1 ? "" : "the last time ", who, how_long);
  }
  std::string text =
      tense == Tense::Present
          ? fmt::format("{} blocks its event loop now, for {} already", who, how_long)
          : fmt::format("{} was blocking its event loop, for {}", who, how_long);
  if (reading.starvations <= 1) return text;
  return fmt::format("{} (it was blocked {} in all)", text, so_often(reading.starvations));
}

std::string exhaustion(const RecorderReading& reading, Tense tense) {
  const std::string who = reading.occupant.empty() ? "many" : reading.occupant;
  if (!reading.pool_taken) {
    return fmt::format("its {} threads were all taken {}, {}most of them by {}",
                       reading.pool_threads, so_often(reading.exhaustions),
                       reading.exhaustions == 1 ? "" : "the last time ", who);
  }
  const bool living = tense == Tense::Present;
  std::string text = fmt::format(
      "its {} threads {} all taken{}, most of them by {}, and {} {} for one", reading.pool_threads,
      living ? "are" : "were", living ? " now" : "", who, counted(reading.pool_queued, "call"),
      !living                    ? "waited"
      : reading.pool_queued == 1 ? "waits"
                                 : "wait");
  if (reading.exhaustions <= 1) return text;
  return fmt::format("{} (they were taken {} in all)", text, so_often(reading.exhaustions));
}

}  // namespace

std::optional<RecorderReading> read(const RecorderPage& page, TimePoint now) {
  if (load(page.magic) != RecorderPage::kMagic) return std::nullopt;
  RecorderReading reading;
  reading.since_heartbeat = since_heartbeat(page, now);
  reading.loop_lag = bounded_lag(load(page.loop_lag_us));
  reading.state = enumerator<WorkerState>(load(page.state));
  reading.requests = load(page.requests);
  reading.errors = load(page.errors);
  reading.in_flight = load(page.in_flight);
  reading.connections = load(page.connections);
  std::ranges::transform(page.latencies, reading.latencies.counts.begin(), load);
  reading.starvations = load(page.starvations);
  reading.starvation = bounded_lag(load(page.starvation_us));
  reading.exhaustions = load(page.exhaustions);
  reading.pool_threads = load(page.pool_threads);
  reading.pool_busy = load(page.pool_busy);
  reading.pool_queued = load(page.pool_queued);
  reading.pool_wait = bounded_lag(load(page.pool_wait_us));
  reading.tasks_running = load(page.tasks_running);
  reading.blamed = text_of(page.blamed);
  reading.occupant = text_of(page.occupant);
  reading.loop_blocked = (load(page.trouble) & RecorderPage::kLoopBlocked) != 0;
  reading.pool_taken = (load(page.trouble) & RecorderPage::kPoolTaken) != 0;
  reading.activity = text_of(page.activity);
  reading.oldest = oldest_first(page, now);
  return reading;
}

std::optional<Pulse> read_pulse(const RecorderPage& page, TimePoint now) {
  if (load(page.magic) != RecorderPage::kMagic) return std::nullopt;
  Pulse pulse{.heartbeat = {}, .requests = load(page.requests)};
  if (const auto since = since_heartbeat(page, now)) pulse.heartbeat = now - *since;
  return pulse;
}

std::vector<std::string> troubles(const RecorderReading& reading, Tense tense) {
  std::vector<std::string> lines;
  if (reading.starvations > 0) lines.push_back(starvation(reading, tense));
  if (reading.exhaustions > 0) lines.push_back(exhaustion(reading, tense));
  return lines;
}

std::vector<std::string> troubles_now(const RecorderReading& reading) {
  std::vector<std::string> lines;
  if (reading.loop_blocked) lines.push_back(starvation(reading, Tense::Present));
  if (reading.pool_taken) lines.push_back(exhaustion(reading, Tense::Present));
  return lines;
}

std::string describe(const RecorderReading& reading) {
  std::string text;
  if (!reading.activity.empty()) text += reading.activity + "; ";
  text += describe_requests(reading);
  const bool silent = reading.since_heartbeat && *reading.since_heartbeat >= kBlockedAfter;
  if (silent && !reading.loop_blocked) {  // Else it is told below, with who blocks it.
    text += fmt::format("; loop blocked for {}", short_duration(*reading.since_heartbeat));
  }
  for (const std::string& trouble : troubles(reading, Tense::Present)) text += "; " + trouble;
  return text;
}

}  // namespace reeve::ipc
