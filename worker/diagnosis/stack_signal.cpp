#include "worker/diagnosis/stack_signal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>

#include "ipc/base/unique_fd.hpp"
#include "ipc/recorder/symbol.hpp"
#include "worker/diagnosis/signal_safe_text.hpp"
#include "worker/diagnosis/stack_trace.hpp"

namespace reeve::worker {
namespace {

/// Whose turn it is to answer: one thread at a time is asked, by a signal, and is waited for.
class Turn {
 public:
  enum class Answer : std::uint8_t { Given, None, Unfinished };

  /// `send` sends the signal. The thread has until `begin_by` to begin; one that was seen to begin
  /// has until `end_by` to end. After Unfinished it still writes: then nobody is ever asked again.
  template <class Send>
  Answer ask(pid_t tid, Send send, ipc::TimePoint begin_by, ipc::TimePoint end_by) {
    pid_t nobody = 0;
    if (!turn_.compare_exchange_strong(nobody, tid)) return Answer::None;
    if (send(tid) && is_over_by(begin_by)) return Answer::Given;
    pid_t expected = tid;
    if (turn_.compare_exchange_strong(expected, 0)) return Answer::None;
    return is_over_by(end_by) ? Answer::Given : Answer::Unfinished;
  }

  /// In the handler: writes, unless it is too late.
  template <class Write>
  void answer(Write write) {
    const pid_t self = ::gettid();
    pid_t expected = self;
    if (!turn_.compare_exchange_strong(expected, -self)) return;
    write();
    turn_ = 0;
  }

 private:
  [[nodiscard]] bool is_over_by(ipc::TimePoint limit) const {
    constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 100'000};
    while (turn_ != 0) {
      if (ipc::Clock::now() >= limit) return false;
      ::nanosleep(&kPause, nullptr);
    }
    return true;
  }

  std::atomic<pid_t> turn_ = 0;  // A tid, or its negative while that thread writes.
};

constexpr std::size_t kMostThreads = 64;
// The master waits for less than half a second for all of them.
constexpr ipc::Duration kOneThread = std::chrono::milliseconds(30);
constexpr ipc::Duration kAllThreads = std::chrono::milliseconds(200);

Turn dump_turn;
std::atomic<bool> writing_began;
Symbolizer dump_symbolizer;

void write_own(ipc::BlackBox& into, const void* context) {
  const ipc::BlackBoxWriter out(into.stacks);
  write_thread_name(out);
  ipc::BlackBoxWriter(out).add(":\n");
  write_stack(out, dump_symbolizer, context);
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

void write_all(ipc::BlackBox& into, const void* context) {
  dump_symbolizer.load();
  write_own(into, context);
  const ipc::TimePoint limit = ipc::Clock::now() + kAllThreads;
  const auto send = [](pid_t tid) {
    return ::syscall(SYS_tgkill, ::getpid(), tid, ipc::stack_signal()) == 0;
  };
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
    const auto begin_by = std::min(limit, ipc::Clock::now() + kOneThread);
    const Turn::Answer answer = dump_turn.ask(tid, send, begin_by, limit);
    is_over = answer == Turn::Answer::Unfinished;
    if (answer != Turn::Answer::None) return;
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

std::atomic<bool> probes_allowed = false;
Turn probe_turn;
Stack taken;  // By the thread whose turn it is.

bool send_probe(pid_t tid) {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = ipc::stack_signal();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = &probe_turn;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), tid, info.si_signo, &info) == 0;
}

bool take_stack_of(pid_t tid, ipc::Duration patience) {
  const ipc::TimePoint now = ipc::Clock::now();
  return probes_allowed &&
         probe_turn.ask(tid, send_probe, now + patience, now + 3 * patience) == Turn::Answer::Given;
}

std::string name_of(const Symbolizer::Place& place, std::uintptr_t address) {
  if (place.symbol.empty()) {
    return place.module.empty()
               ? fmt::format("{:#x}", address)
               : fmt::format("{:#x} ({} {:#x})", address, place.module, place.address_in_module);
  }
  return fmt::format("{} ({} {:#x})", ipc::readable_symbol(place.symbol), place.module,
                     place.address_in_module);
}

}  // namespace

void write_thread_stacks(ipc::BlackBox& into, const void* context) {
  if (::gettid() != ::getpid()) return dump_turn.answer([&] { write_own(into, context); });
  if (!writing_began.exchange(true)) write_all(into, context);
}

void allow_stack_probes(bool allowed) { probes_allowed = allowed; }

bool answer_stack_probe(const siginfo_t& info, const void* context) {
  const bool is_probe = info.si_code == SI_QUEUE && info.si_pid == ::getpid() &&
                        info.si_value.sival_ptr == &probe_turn;
  if (is_probe) probe_turn.answer([context] { taken = take_stack(context); });
  return is_probe;
}

std::vector<std::string> probe_stack(pid_t tid, ipc::Duration patience) {
  if (!take_stack_of(tid, patience)) return {};
  const Stack stack = taken;
  const auto symbolizer = std::make_unique<Symbolizer>();
  symbolizer->load();
  std::vector<std::string> functions;
  for (std::size_t i = 0; i < stack.count; ++i) {
    functions.push_back(name_of(symbolizer->find(stack.inside(i)), stack.frames[i]));
  }
  symbolizer->unload();
  return functions;
}

}  // namespace reeve::worker
