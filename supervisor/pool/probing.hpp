#pragma once
// When the workers of one pool are asked from outside, and what their answers mean: one that starts
// until it is ready, one that serves now and then whether it is well. How a question is put is not
// known here. Loop thread; ProbeState is pure.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/uv.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/core/types.hpp"
#include "supervisor/helper/probe.hpp"

namespace reeve::supervisor {

/// The questions to one worker.
///
///   due --asked()--> asked --take()--> due, after a pause
///
/// An answer that is no fault of the program's counts neither way.
class ProbeState {
 public:
  enum class Verdict : std::uint8_t {
    None,
    Ready,    ///< the first good answer, of one that starts
    Failing,  ///< a bad one, of one that serves
    Well,     ///< a good one after bad ones
    Hung,     ///< so many bad ones in a row
  };

  /// For one that starts: asked at once, and again with growing pauses up to `longest_pause`.
  ProbeState(TimePoint now, Duration longest_pause) : longest_pause_(longest_pause), due_(now) {}
  /// For one that serves.
  ProbeState(TimePoint now, Duration interval, int failures)
      : interval_(interval), limit_(failures), due_(now + interval) {}

  /// When the next question is due; none: an answer is waited for.
  [[nodiscard]] std::optional<TimePoint> due() const { return due_; }
  void asked() { due_.reset(); }
  [[nodiscard]] Verdict take(ProbeAnswer::Kind answer, TimePoint now);
  /// Bad answers in a row.
  [[nodiscard]] int failures() const { return failures_; }

 private:
  static constexpr Duration kFirstPause = std::chrono::milliseconds(20);

  Duration interval_{};  // 0: it starts.
  Duration longest_pause_{};
  Duration pause_ = kFirstPause;
  int limit_ = 0;
  int failures_ = 0;
  std::optional<TimePoint> due_;
};

class Probing {
 public:
  struct Callbacks {
    /// Puts a question, and calls `on_answer` once: later, or from inside the call.
    std::function<void(WorkerId worker, const Probe& probe, OnProbeAnswer on_answer)> ask;
    /// None is never told.
    std::function<void(WorkerId worker, ProbeState::Verdict verdict)> on_verdict;
  };
  /// What a worker is to be asked now.
  struct Wanted {
    WorkerId worker{};
    const Probe* probe = nullptr;        ///< null: nothing any more
    const HealthRule* health = nullptr;  ///< null: it starts
  };

  Probing(ipc::uv::Loop& loop, Callbacks callbacks)
      : loop_(loop), callbacks_(std::move(callbacks)), timer_(loop, [this] { on_timer(); }) {}

  /// Those that are not named are forgotten.
  void update(const std::vector<Wanted>& wanted);
  [[nodiscard]] bool knows(WorkerId worker) const { return questions_.contains(worker); }
  [[nodiscard]] bool empty() const { return questions_.empty(); }
  /// Why the last answer was not good; empty: it was, or there was none.
  [[nodiscard]] std::string last_answer(WorkerId worker) const;
  /// Bad answers in a row.
  [[nodiscard]] int failures(WorkerId worker) const;

 private:
  struct Question {
    Probe probe;
    std::optional<HealthRule> health;
    std::optional<ProbeState> state;  // None: it is asked nothing any more.
    std::uint64_t number = 0;         // Of what it is asked; an answer to another one comes late.
    std::string last;
  };

  void begin(Question& question, const Wanted& wanted);
  void ask(WorkerId worker);
  void take(WorkerId worker, std::uint64_t number, ProbeAnswer answer);
  void arm_timer();
  void on_timer();

  ipc::uv::Loop& loop_;
  Callbacks callbacks_;
  std::map<WorkerId, Question> questions_;
  std::uint64_t last_number_ = 0;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
