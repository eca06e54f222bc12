#include "worker/diagnosis/thread_stacks.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>

#include "ipc/base/clock.hpp"
#include "ipc/base/unique_fd.hpp"
#include "worker/diagnosis/signal_safe_text.hpp"
#include "worker/diagnosis/stack_trace.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMostThreads = 64;
// The master waits for less than half a second for all of them.
constexpr ipc::Duration kOneThread = std::chrono::milliseconds(30);
constexpr ipc::Duration kAllThreads = std::chrono::milliseconds(200);

/// The thread that is to answer: its tid, negative while it writes.
std::atomic<pid_t> answering;
std::atomic<bool> writing_began;
Symbolizer symbolizer;

void write_own(ipc::BlackBox& into, const void* context) {
  const ipc::BlackBoxWriter out(into.stacks);
  write_thread_name(out);
  ipc::BlackBoxWriter(out).add(":\n");
  write_stack(out, symbolizer, context);
}

/// What getdents64(2) writes; the C library's opendir(3) allocates.
struct Entry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

/// Calls `on_tid` for each thread of this process.
template <class OnTid>
void for_each_thread(OnTid on_tid) {
  const ipc::UniqueFd tasks(::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!tasks) return;
  alignas(Entry) std::array<char, 2048> buffer;
  for (;;) {
    const long size = ::syscall(SYS_getdents64, tasks.get(), buffer.data(), buffer.size());
    if (size <= 0) return;
    for (long at = 0; at < size;) {
      const auto* entry = reinterpret_cast<const Entry*>(buffer.data() + at);
      at += entry->size;
      pid_t tid = 0;
      const char* end = entry->name + std::strlen(entry->name);
      if (std::from_chars(entry->name, end, tid).ptr == end && tid > 0) on_tid(tid);
    }
  }
}

enum class Answer { Given, None, Unfinished };

/// False when `limit` has passed first.
template <class Done>
bool wait_until(Done done, ipc::TimePoint limit) {
  constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 200'000};
  while (!done()) {
    if (ipc::Clock::now() >= limit) return false;
    ::nanosleep(&kPause, nullptr);
  }
  return true;
}

/// After Unfinished the thread still writes, and `turn` is its own: nobody else can be asked.
Answer ask(pid_t tid, ipc::TimePoint limit) {
  answering = tid;
  const auto answered = [] { return answering.load() == 0; };
  if (::syscall(SYS_tgkill, ::getpid(), tid, ipc::stack_signal()) == 0 &&
      wait_until(answered, std::min(limit, ipc::Clock::now() + kOneThread))) {
    return Answer::Given;
  }
  pid_t expected = tid;
  if (answering.compare_exchange_strong(expected, 0)) return Answer::None;
  return wait_until(answered, limit) ? Answer::Given : Answer::Unfinished;  // The thread has begun.
}

void write_all(ipc::BlackBox& into, const void* context) {
  symbolizer.load();
  write_own(into, context);
  const ipc::TimePoint limit = ipc::Clock::now() + kAllThreads;
  std::size_t asked = 0;
  std::uint64_t not_asked = 0;
  bool is_over = false;
  for_each_thread([&](pid_t tid) {
    if (tid == ::gettid() || asked++ >= kMostThreads) return;
    is_over = is_over || ipc::Clock::now() >= limit;
    if (is_over) {
      ++not_asked;
      return;
    }
    switch (ask(tid, limit)) {
      case Answer::Given:
        return;
      case Answer::Unfinished:
        is_over = true;
        return;
      case Answer::None:
        break;
    }
    SignalSafeText line;
    line.add("thread ").add_decimal(static_cast<std::uint64_t>(tid));
    ipc::BlackBoxWriter(into.stacks)
        .add(line.add(": it blocks the signal, or sleeps in the kernel\n").text());
  });
  if (not_asked > 0) {
    SignalSafeText line;
    line.add("no time was left to ask ").add_decimal(not_asked);
    line.add(not_asked == 1 ? " more thread\n" : " more threads\n");
    ipc::BlackBoxWriter(into.stacks).add(line.text());
  }
  into.dumped.store(1, std::memory_order_release);
}

}  // namespace

void write_thread_stacks(ipc::BlackBox& into, const void* context) {
  const pid_t self = ::gettid();
  if (self == ::getpid()) {
    if (!writing_began.exchange(true)) write_all(into, context);
    return;
  }
  pid_t expected = self;
  if (!answering.compare_exchange_strong(expected, -self)) return;  // Too late.
  write_own(into, context);
  answering = 0;
}

}  // namespace reeve::worker
