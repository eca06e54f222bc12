#include "reeve/providers.hpp"

#include <atomic>
#include <coroutine>
#include <mutex>
#include <optional>

#include "ipc/base/clock.hpp"
#include "ipc/base/uv.hpp"
#include "worker/lifespan/provider_choice.hpp"
#include "worker/task/bounded_wait.hpp"
#include "worker/task/context.hpp"
#include "worker/task/finally.hpp"
#include "worker/task/root.hpp"
#include "worker/task/spawn.hpp"
#include "worker/task/text.hpp"

namespace reeve::detail {
namespace {

/// `co_await ThisContext()`: what the task that awaits it runs in. Waits for nothing.
struct ThisContext {
  worker::Context* context = nullptr;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiter) noexcept {
    context = &waiter.promise().root->context();
    return false;
  }
  [[nodiscard]] worker::Context* await_resume() const noexcept { return context; }
};

std::vector<std::string> names_of(const ProviderPlan& plan) {
  std::vector<std::string> names;
  for (const Candidate& candidate : plan.candidates) names.push_back(candidate.name);
  return names;
}

/// One attempt. It owns what it uses, since at its deadline it may be left behind.
struct Attempt {
  std::shared_ptr<const ProviderPlan> plan;
  const Candidate& candidate;
  State& state;
  /// The candidate's. An attempt that was left behind still has its thread, and its functions.
  std::shared_ptr<bool> runs;
  std::shared_ptr<void> value{};
};

/// Between two rounds that were asked for by a report; the first begins at once.
constexpr std::chrono::seconds kReportsPause{1};

Task<> make(std::shared_ptr<Attempt> attempt) {
  *attempt->runs = true;
  const worker::Finally ended([&attempt] { *attempt->runs = false; });
  attempt->value = co_await attempt->candidate.make(attempt->state);
}

}  // namespace

/// The choice is guarded by a mutex, for readers on other threads; all else is the loop thread's.
///
///   settled --report_failure--> choosing --works--> settled, or waiting for the better ones
///                                  |  ^
///                                  +--+ pause: nothing works, or something better may by now
class ProviderRun : public std::enable_shared_from_this<ProviderRun> {
 public:
  ProviderRun(std::shared_ptr<const ProviderPlan> plan, State* state,
              std::function<void(std::string)> note)
      : plan_(std::move(plan)), state_(state), note_(std::move(note)), choice_(names_of(*plan_)) {
    for (std::size_t i = 0; i < plan_->candidates.size(); ++i) {
      attempts_run_.push_back(std::make_shared<bool>(false));
    }
  }
  /// For ever the same.
  explicit ProviderRun(std::shared_ptr<void> value)
      : plan_(std::make_shared<ProviderPlan>()), choice_({"fixed"}), value_(std::move(value)) {
    choice_.works(0);
  }

  /// One round: ends with the first candidate that works.
  Task<> choose() {
    choosing_ = true;
    for (const std::size_t candidate : round()) {
      if (*attempts_run_[candidate]) {
        const std::lock_guard lock(mutex_);
        choice_.fails(candidate, "its last attempt has not ended yet");
        continue;
      }
      auto attempt = std::make_shared<Attempt>(Attempt{.plan = plan_,
                                                       .candidate = plan_->candidates[candidate],
                                                       .state = *state_,
                                                       .runs = attempts_run_[candidate]});
      Task<> making = make(attempt);
      const auto made = co_await worker::BoundedWait(std::move(making), attempt->candidate.within);
      if (made) {
        take(candidate, std::move(attempt->value));
        break;
      }
      const std::lock_guard lock(mutex_);
      choice_.fails(candidate, worker::describe(made.error()));
    }
    choosing_ = false;
  }

  void go_on(worker::Context& context) {
    context_ = &context;
    timer_.emplace(context.loop(), [this] { begin_round(); });
    async_.emplace(context.loop(), [this] { on_report(); });
    on_round_ended();
  }

  void close() {
    closed_ = true;
    timer_.reset();
    {
      const std::lock_guard lock(mutex_);
      async_.reset();  // Another thread may be about to send.
    }
    running_.cancel();
    note_ = nullptr;
  }

  void report_failure(std::string_view why) {
    const std::lock_guard lock(mutex_);
    if (!async_ || choosing_) return;
    reported_ = why;
    async_->send();
  }

  [[nodiscard]] std::shared_ptr<void> current() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  [[nodiscard]] std::string choice() const {
    const std::lock_guard lock(mutex_);
    return choice_.text();
  }
  [[nodiscard]] std::string trouble() const {
    const std::lock_guard lock(mutex_);
    return choice_.in_trouble() ? choice_.reasons() : "";
  }

 private:
  [[nodiscard]] std::vector<std::size_t> round() const {
    const std::lock_guard lock(mutex_);
    return choice_.round();
  }

  void take(std::size_t candidate, std::shared_ptr<void> value) {
    const std::lock_guard lock(mutex_);
    choice_.works(candidate);
    value_.swap(value);  // The old one is destroyed after the lock, if nobody holds it.
  }

  void on_report() {
    {
      const std::lock_guard lock(mutex_);
      if (choosing_ || closed_ || !reported_) return;
      const std::string why = *std::exchange(reported_, std::nullopt);
      if (choice_.in_trouble()) return;  // A round is due already.
      choice_.choice_fails(why);
    }
    // Every request may report, and every candidate pass its trial and fail in use.
    const ipc::TimePoint now = ipc::Clock::now();
    if (now < next_reported_round_) return timer_->arm_from_now(next_reported_round_ - now);
    next_reported_round_ = now + kReportsPause;
    begin_round();
  }

  void begin_round() {
    if (choosing_ || closed_) return;
    timer_->disarm();
    // The task holds this, since it may end after everybody else has let go.
    running_ = worker::spawn(*context_, choose(), [self = shared_from_this()](const auto&) {
      if (!self->closed_) self->on_round_ended();
    });
  }

  void on_round_ended() {
    std::string text;
    {
      const std::lock_guard lock(mutex_);
      choosing_ = false;
      reported_.reset();
      rounds_in_trouble_ = choice_.in_trouble() ? rounds_in_trouble_ + 1 : 0;
      if (!choice_.settled()) {
        timer_->arm_from_now(
            worker::ProviderChoice::pause(rounds_in_trouble_, plan_->options.retry));
      }
      text = choice_.text();
    }
    if (text == noted_) return;
    noted_ = text;
    if (note_) note_(std::move(text));
  }

  const std::shared_ptr<const ProviderPlan> plan_;
  State* const state_ = nullptr;
  std::function<void(std::string)> note_;
  std::vector<std::shared_ptr<bool>> attempts_run_;  // One for each candidate.
  worker::Context* context_ = nullptr;
  std::optional<ipc::uv::Timer> timer_;
  worker::Spawned running_;
  ipc::TimePoint next_reported_round_{};
  std::string noted_;
  int rounds_in_trouble_ = 0;
  bool closed_ = false;

  mutable std::mutex mutex_;
  std::atomic<bool> choosing_ = false;
  worker::ProviderChoice choice_;
  std::shared_ptr<void> value_;
  std::optional<ipc::uv::Async> async_;
  std::optional<std::string> reported_;
};

Task<std::shared_ptr<ProviderRun>> open_provider(std::shared_ptr<const ProviderPlan> plan,
                                                 State& state,
                                                 std::function<void(std::string)> note) {
  if (plan->candidates.empty()) throw std::logic_error("it has no candidates");
  auto run = std::make_shared<ProviderRun>(plan, &state, std::move(note));
  co_await run->choose();
  if (const std::string trouble = run->trouble(); !trouble.empty()) {
    throw std::runtime_error(trouble);
  }
  run->go_on(*co_await ThisContext());
  co_return run;
}

void close_provider(ProviderRun& run) { run.close(); }

std::shared_ptr<ProviderRun> fixed_provider(std::shared_ptr<void> value) {
  return std::make_shared<ProviderRun>(std::move(value));
}

std::shared_ptr<void> current(const ProviderRun& run) { return run.current(); }
std::string choice(const ProviderRun& run) { return run.choice(); }
std::string trouble(const ProviderRun& run) { return run.trouble(); }
void report_failure(ProviderRun& run, std::string_view why) { run.report_failure(why); }

}  // namespace reeve::detail
