#include "worker/task/thread_pool.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "worker/task/thread_signals.hpp"

namespace reeve {

std::size_t ThreadLimits::default_threads() {
  return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

}  // namespace reeve

namespace reeve::worker {

namespace {

/// Work that must be done whatever the requests do: a resource is to be closed, a scheduled run was
/// claimed from the whole pool of workers. No limit refuses it, it goes first, and there is one
/// thread beyond the limit that does nothing else, the reserve: else a teardown would wait for
/// threads that are stuck.
bool is_owed(const Activity& activity) {
  return activity.kind == ActivityKind::Resource || activity.kind == ActivityKind::Scheduled;
}

}  // namespace

ThreadPool::ThreadPool(ipc::uv::Loop& loop, const ThreadLimits& limits, ipc::RecorderPage* page)
    : limits_(limits), page_(page), finished_signal_(loop, [this] { deliver(); }) {
  if (page_ != nullptr) page_->pool_threads.store(limits_.threads, std::memory_order_relaxed);
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  wake_reserve_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::submit(Call call, Done done, const Activity& activity) {
  const bool owed = is_owed(activity);
  {
    const std::lock_guard lock(mutex_);
    if (!has_thread_or_room(owed)) {
      ++refused_;
      return false;
    }
    queue_.insert(
        owed ? queue_.begin() : queue_.end(),
        Item{std::move(call), std::move(done), nullptr, activity.name, ipc::Clock::now(), owed});
    record();
  }
  wake_.notify_one();
  if (owed) wake_reserve_.notify_one();  // Either may come first; the other goes on waiting.
  return true;
}

/// What free threads are about to take does not wait.
bool ThreadPool::has_thread_or_room(bool owed) {
  const auto free_threads = [this] { return started_ - ordinary_running(); };
  if (queue_.size() >= free_threads()) {
    if (started_ < limits_.threads) {
      if (start_thread(false)) ++started_;
    } else if (owed && !reserve_started_) {
      reserve_started_ = start_thread(true);
    }
  }
  if (threads_.empty()) return false;
  return owed || queue_.size() < limits_.queue + free_threads();
}

std::chrono::seconds ThreadPool::retry_after() const {
  const std::lock_guard lock(mutex_);
  const ipc::TimePoint now = ipc::Clock::now();
  ipc::Duration under_way{};
  for (const Item& item : running_) under_way += now - item.since;
  if (!running_.empty()) under_way /= static_cast<ipc::Duration::rep>(running_.size());
  return worker::retry_after(std::max(service_time_.mean(), under_way), queue_.size(), started_);
}

std::size_t ThreadPool::ordinary_running() const {
  return running_.size() - (reserve_busy_ ? 1 : 0);
}

std::size_t ThreadPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_.size();
}

PoolLook ThreadPool::look() const {
  PoolLook look{.threads = limits_.threads, .queue = limits_.queue};
  const std::lock_guard lock(mutex_);
  const ipc::TimePoint now = ipc::Clock::now();
  look.waiting = queue_.size();
  look.refused = refused_;
  if (!queue_.empty()) look.longest_wait = now - queue_.front().since;
  // All that were started: the system may not give as many as the limits allow.
  look.all_taken = started_ > 0 && ordinary_running() == started_ &&
                   (started_ == limits_.threads || !queue_.empty());
  for (const Item& item : running_) {
    if (!item.in_reserve) look.running.push_back({item.what, now - item.since});
  }
  return look;
}

/// False at a limit of the system: the threads that exist go on.
bool ThreadPool::start_thread(bool reserve) {
  const SignalsBlocked blocked;
  try {
    threads_.emplace_back([this, reserve] { work(reserve); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void ThreadPool::work(bool reserve) {
  const AlternateStack for_signals;
  std::unique_lock lock(mutex_);
  // Owed work stands in front.
  const auto has_work = [this, reserve] {
    return !queue_.empty() && (!reserve || queue_.front().owed);
  };
  while (true) {
    (reserve ? wake_reserve_ : wake_).wait(lock, [&] { return stopping_ || has_work(); });
    if (stopping_) return;
    run_next(lock, reserve);
  }
}

void ThreadPool::run_next(std::unique_lock<std::mutex>& lock, bool reserve) {
  const auto item = queue_.begin();
  item->in_reserve = reserve;
  if (reserve) reserve_busy_ = true;
  running_.splice(running_.end(), queue_, item);
  const ipc::TimePoint began = ipc::Clock::now();
  if (page_ != nullptr) {
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(began - item->since);
    page_->pool_wait_us.store(static_cast<std::uint64_t>(waited.count()),
                              std::memory_order_relaxed);
  }
  item->since = began;
  record();
  lock.unlock();
  try {
    item->call();
  } catch (...) {
    item->error = std::current_exception();
  }
  lock.lock();
  service_time_.add(ipc::Clock::now() - began);
  finished_.splice(finished_.end(), running_, item);
  if (reserve) reserve_busy_ = false;
  record();
  finished_signal_.send();
}

void ThreadPool::record() {
  if (page_ == nullptr) return;
  page_->pool_busy.store(ordinary_running(), std::memory_order_relaxed);
  page_->pool_queued.store(queue_.size(), std::memory_order_relaxed);
}

void ThreadPool::deliver() {
  std::list<Item> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (Item& item : finished) item.done(std::move(item.error));
}

}  // namespace reeve::worker
