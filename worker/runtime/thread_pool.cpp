#include "worker/runtime/thread_pool.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "worker/runtime/alternate_stack.hpp"
#include "worker/runtime/signals_blocked.hpp"

namespace reeve {

std::size_t ThreadLimits::default_threads() {
  return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

}  // namespace reeve

namespace reeve::worker {

namespace {

/// What must be done whatever the requests do: a resource is to be closed, a job was claimed from
/// the whole pool of workers. No limit refuses it, and it goes first.
bool is_owed(const Activity& activity) {
  return activity.kind == ActivityKind::Resource || activity.kind == ActivityKind::Job;
}

/// Beyond the limit: else a teardown would wait for threads that are stuck.
constexpr std::size_t kThreadsForWhatIsOwed = 1;

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
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::submit(Job job, Done done, const Activity& activity) {
  {
    const std::lock_guard lock(mutex_);
    const bool owed = is_owed(activity);
    if (!has_thread_or_room(owed)) {
      ++refused_;
      return false;
    }
    queue_.insert(owed ? queue_.begin() : queue_.end(),
                  Item{std::move(job), std::move(done), nullptr, activity.name, ipc::Clock::now()});
    record();
  }
  wake_.notify_one();
  return true;
}

/// What free threads are about to take does not wait.
bool ThreadPool::has_thread_or_room(bool owed) {
  const std::size_t most = limits_.threads + (owed ? kThreadsForWhatIsOwed : 0);
  const auto free_threads = [this] { return threads_.size() - running_.size(); };
  if (queue_.size() >= free_threads() && threads_.size() < most) start_thread();
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
  look.all_taken = started_ > 0 && running_.size() == started_ &&
                   (started_ == limits_.threads || !queue_.empty());
  for (const Item& item : running_) look.running.push_back({item.what, now - item.since});
  return look;
}

void ThreadPool::start_thread() {
  const SignalsBlocked blocked;
  try {
    threads_.emplace_back([this] { work(); });
    started_ = threads_.size();
  } catch (const std::system_error&) {
    // At a limit of the system: the threads that exist go on.
  }
}

void ThreadPool::work() {
  const AlternateStack for_signals;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    run_next(lock);
  }
}

void ThreadPool::run_next(std::unique_lock<std::mutex>& lock) {
  const auto item = queue_.begin();
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
    item->job();
  } catch (...) {
    item->error = std::current_exception();
  }
  lock.lock();
  service_time_.add(ipc::Clock::now() - began);
  finished_.splice(finished_.end(), running_, item);
  record();
  finished_signal_.send();
}

void ThreadPool::record() {
  if (page_ == nullptr) return;
  page_->pool_busy.store(running_.size(), std::memory_order_relaxed);
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
