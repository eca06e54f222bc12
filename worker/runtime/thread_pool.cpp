#include "worker/runtime/thread_pool.hpp"

#include <signal.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "ipc/black_box.hpp"
#include "worker/runtime/alternate_stack.hpp"

namespace reeve {

std::size_t ThreadLimits::default_threads() {
  return std::min<std::size_t>(32, std::thread::hardware_concurrency() + 4);
}

}  // namespace reeve

namespace reeve::worker {
namespace {

/// Blocks the signals of the calling thread, which a thread started meanwhile inherits: they are
/// the loop thread's business. Not those that are about the thread itself: its crash, and its
/// stack.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, ipc::stack_signal()}) {
      sigdelset(&all, own);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

ThreadPool::ThreadPool(ipc::uv::Loop& loop, const ThreadLimits& limits)
    : limits_(limits), finished_signal_(loop, [this] { deliver(); }) {}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadPool::submit(Job job, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= limits_.queue) return false;
    const bool wants_thread = queue_.size() >= idle_ && threads_.size() < limits_.threads;
    if (wants_thread && !start_thread() && threads_.empty()) return false;
    queue_.push_back({std::move(job), std::move(done), nullptr});
  }
  wake_.notify_one();
  return true;
}

std::size_t ThreadPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

bool ThreadPool::start_thread() {
  const SignalsBlocked blocked;
  try {
    threads_.emplace_back([this] { work(); });
    return true;
  } catch (const std::system_error&) {
    return false;  // At a limit of the system: the threads that exist go on.
  }
}

void ThreadPool::work() {
  const AlternateStack for_signals;
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    --idle_;
    if (stopping_) return;

    Item item = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    try {
      item.job();
    } catch (...) {
      item.error = std::current_exception();
    }
    lock.lock();
    --running_;
    finished_.push_back(std::move(item));
    finished_signal_.send();
  }
}

void ThreadPool::deliver() {
  std::vector<Item> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (Item& item : finished) item.done(std::move(item.error));
}

}  // namespace reeve::worker
