#include "worker/diagnosis/stack_probe.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>

#include "ipc/recorder/black_box.hpp"
#include "ipc/recorder/symbol.hpp"
#include "worker/diagnosis/stack_trace.hpp"

namespace reeve::worker {
namespace {

std::atomic<bool> allowed = false;
/// The thread whose turn it is: a tid, or its negative while that thread writes `taken`.
std::atomic<pid_t> turn = 0;
Stack taken;

bool send_probe(pid_t tid) {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = ipc::stack_signal();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = &turn;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), tid, info.si_signo, &info) == 0;
}

bool is_answered_by(ipc::TimePoint limit) {
  while (turn.load(std::memory_order_acquire) != 0) {
    if (ipc::Clock::now() >= limit) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return true;
}

/// False when there is none. A thread that was seen to begin is waited for three times as long; if
/// it never ends, `turn` stays its own, and nobody is ever asked again.
bool take_stack_of(pid_t tid, ipc::Duration patience) {
  pid_t nobody = 0;
  if (!allowed || !turn.compare_exchange_strong(nobody, tid)) return false;
  const ipc::TimePoint limit = ipc::Clock::now() + patience;
  if (send_probe(tid) && is_answered_by(limit)) return true;
  pid_t expected = tid;
  if (turn.compare_exchange_strong(expected, 0)) return false;
  return is_answered_by(limit + 2 * patience);
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

void allow_stack_probes(bool are_allowed) { allowed = are_allowed; }

bool answer_stack_probe(const siginfo_t& info, const void* context) {
  const bool is_probe =
      info.si_code == SI_QUEUE && info.si_pid == ::getpid() && info.si_value.sival_ptr == &turn;
  if (!is_probe) return false;
  const pid_t self = ::gettid();
  pid_t expected = self;
  if (turn.compare_exchange_strong(expected, -self)) {  // Else it is too late.
    taken = take_stack(context);
    turn.store(0, std::memory_order_release);
  }
  return true;
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
