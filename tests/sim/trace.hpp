#pragma once
// The record of a life, line by line, and a hash of every byte of it: two runs of one seed are
// the same when their hashes are. Keeps the last lines for the report of a failure. Writing it
// takes longer than living: most lives do without, since one that fails is lived again.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "ipc/base/clock.hpp"
#include "supervisor/core/action.hpp"
#include "supervisor/core/event.hpp"
#include "supervisor/core/pool.hpp"

namespace reeve::supervisor::sim {

[[nodiscard]] std::string to_line(const Event& event);
[[nodiscard]] std::string to_line(const Action& action);
/// Slots and workers in one line: "0:RUNNING=3 1:STARTING=4 | 2:Draining".
[[nodiscard]] std::string to_line(const Pool& pool);

enum class Telling : std::uint8_t {
  Silent,
  Recorded,
  Aloud,  ///< recorded, and printed line by line
};

class Trace {
 public:
  Trace(TimePoint birth, Telling telling) : birth_(birth), telling_(telling) {}

  /// `text()` makes the line; it is not asked in a silent life.
  template <class Text>
  void add(TimePoint now, Text text) {
    if (telling_ != Telling::Silent) record(now, text());
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::deque<std::string>& tail() const { return tail_; }

 private:
  static constexpr std::size_t kTailLines = 60;

  void record(TimePoint now, const std::string& text);

  TimePoint birth_;
  Telling telling_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;  // FNV-1a.
  std::deque<std::string> tail_;
};

}  // namespace reeve::supervisor::sim
