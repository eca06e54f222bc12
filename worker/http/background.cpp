#include "worker/http/background.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "ipc/base/counted.hpp"
#include "reeve/wait.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/spawn.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

// Requests have filled the pool's queue: a task that was promised waits until they have not.
constexpr std::chrono::milliseconds kRetryQueue{50};
// As many are named in one line.
constexpr std::size_t kNamed = 3;

}  // namespace

struct Background::Entry {
  Kind kind;
  Stage stage;
  Activity activity;  ///< Named "mail of POST /orders".
  ipc::TimePoint began;
  std::optional<Promised> promised;
  std::move_only_function<void()> then;
  Spawned running;
  std::list<std::shared_ptr<Entry>>::iterator position;
};

Background::Background(Context& context, ipc::RecorderPage& page, LogLine log)
    : context_(context), page_(page), log_(std::move(log)) {}

Background::~Background() = default;

void Background::limit(const BackgroundLimits& limits, std::size_t threads) {
  at_most_ = limits.at_most;
  threads_ = std::max<std::size_t>(1, limits.threads != 0 ? limits.threads : threads / 2);
}

Background::Place Background::reserve() {
  Place place(taken_);
  if (++*taken_ > at_most_) throw BackgroundFull();
  return place;
}

void Background::start(Promised promised, const std::string& route) {
  if (cancelled_) {
    if (log_)
      log_(fmt::format("cancelled background task {} of {}: no time is left for it",
                       promised.work.name, route));
    return;
  }
  const bool blocking = std::holds_alternative<detail::BackgroundWork::Blocking>(promised.work.run);
  const auto entry = std::make_shared<Entry>(
      blocking ? Kind::Function : Kind::Coroutine, Stage::Waiting,
      Activity{ActivityKind::Background, fmt::format("{} of {}", promised.work.name, route)},
      context_.loop().now(), std::move(promised));
  entry->position = entries_.insert(entries_.end(), entry);
  page_.tasks_running.fetch_add(1, std::memory_order_relaxed);
  if (blocking) {
    waiting_.push_back(entry);
    begin_waiting();
  } else {
    begin(entry, run(entry));
  }
}

void Background::clean_up(std::string name, Task<> task, std::move_only_function<void()> then) {
  const auto entry = std::make_shared<Entry>(Kind::CleanUp, Stage::Waiting,
                                             Activity{ActivityKind::Resource, std::move(name)},
                                             context_.loop().now(), std::nullopt, std::move(then));
  entry->position = entries_.insert(entries_.end(), entry);
  begin(entry, std::move(task));
}

void Background::begin_waiting() {
  while (!waiting_.empty() && on_threads_ < threads_) {
    const std::shared_ptr<Entry> next = std::move(waiting_.front());
    waiting_.pop_front();
    ++on_threads_;
    begin(next, run(next));
  }
}

/// Owns the entry, and with it the closure of a coroutine that is a lambda.
Task<> Background::run(std::shared_ptr<Entry> entry) {
  detail::BackgroundWork& work = entry->promised->work;
  if (auto* async = std::get_if<detail::BackgroundWork::Async>(&work.run)) {
    co_await (*async)();
    co_return;
  }
  auto& function = std::get<detail::BackgroundWork::Blocking>(work.run);
  bool begun = false;
  const auto call = [&function, &begun] {
    begun = true;
    function();
  };
  while (true) {
    try {
      co_await offload(call);
      co_return;
    } catch (const Overloaded&) {
      if (begun) throw;
    }
    co_await sleep_for(kRetryQueue);
  }
}

void Background::begin(const std::shared_ptr<Entry>& entry, Task<> task) {
  entry->stage = Stage::Running;
  Spawned running =
      spawn(context_, std::as_const(entry->activity), std::move(task),
            [this, entry](const detail::Outcome<void>& outcome) { on_end(entry, outcome); });
  if (!running.running()) return;
  entry->running = std::move(running);
  if (cancelled_ && entry->kind != Kind::CleanUp) entry->running.cancel();  // While it began.
}

void Background::on_end(const std::shared_ptr<Entry>& entry, const detail::Outcome<void>& outcome) {
  if (!outcome && !is_a<Cancelled>(outcome.error()) && log_) {
    log_(fmt::format("background task {}: {}", entry->activity.name,
                     worker::describe(outcome.error())));
  }
  // First, so that the worker is never idle between the two.
  if (entry->then) std::exchange(entry->then, nullptr)();
  remove(*entry);
  if (entry->kind == Kind::Function) {
    --on_threads_;
    begin_waiting();
  }
  if (entries_.empty() && on_idle_) on_idle_();
  if (waiter_ != nullptr) waiter_->on_change();
}

void Background::remove(Entry& entry) {
  entry.stage = Stage::Over;
  entries_.erase(entry.position);
  entry.promised.reset();
  if (entry.kind != Kind::CleanUp) page_.tasks_running.fetch_sub(1, std::memory_order_relaxed);
}

bool Background::only_functions() const {
  return std::ranges::all_of(entries_,
                             [](const auto& entry) { return entry->kind == Kind::Function; });
}

std::string Background::age(const Entry& entry) const {
  return fmt::format("{:.1f} s",
                     std::chrono::duration<double>(context_.loop().now() - entry.began).count());
}

std::string Background::describe() const {
  if (entries_.empty()) return {};
  std::vector<std::string> names;
  for (const auto& entry : entries_) {
    if (names.size() == kNamed) break;
    names.push_back(fmt::format("{} for {}", entry->activity.name, age(*entry)));
  }
  const std::size_t count = entries_.size();
  return fmt::format("{}: {}{}", ipc::counted(count, "background task"), fmt::join(names, ", "),
                     count > kNamed ? ", ..." : "");
}

std::vector<std::string> Background::cancel() {
  std::vector<std::string> names;
  cancelled_ = true;
  waiting_.clear();
  const std::vector<std::shared_ptr<Entry>> all(entries_.begin(), entries_.end());
  for (const auto& entry : all) {
    if (entry->kind == Kind::CleanUp || entry->stage == Stage::Over) continue;
    names.push_back(fmt::format("background task {} ({})", entry->activity.name, age(*entry)));
    if (entry->stage == Stage::Waiting) {
      remove(*entry);
    } else {
      entry->running.cancel();
    }
  }
  if (entries_.empty() && !names.empty() && on_idle_) on_idle_();
  return names;
}

Background::Settled Background::settled(ipc::Duration limit) { return Settled(*this, limit); }

Background::Settled::Settled(Background& background, ipc::Duration limit)
    : background_(background), limit_(limit) {}

Background::Settled::~Settled() {
  if (background_.waiter_ == this) background_.waiter_ = nullptr;
}

void Background::Settled::start(Context& context) {
  background_.waiter_ = this;
  timer_.emplace(context.loop(), [this] {
    background_.waiter_ = nullptr;
    const std::vector<std::shared_ptr<Entry>> left(background_.entries_.begin(),
                                                   background_.entries_.end());
    for (const auto& entry : left) entry->running.cancel();
    wake();
  });
  timer_->arm_from_now(limit_);
}

bool Background::Settled::abandon() noexcept {
  background_.waiter_ = nullptr;
  timer_.reset();
  return true;
}

/// Woken on a turn of its own: this is called deep inside of the end of another task.
void Background::Settled::on_change() {
  if (background_.only_functions()) timer_->arm({});
}

}  // namespace reeve::worker
