#include "worker/task/thread_signals.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <cstddef>

namespace reeve::worker {
namespace {

// The frame of a signal alone may take 11 KiB (AVX-512, AMX); unwinding and looking up names is the
// rest.
constexpr std::size_t kBytes = std::size_t{128} * 1024;

bool has_one_already() {
  stack_t present{};
  return ::sigaltstack(nullptr, &present) != 0 || (present.ss_flags & SS_DISABLE) == 0;
}

}  // namespace

AlternateStack::AlternateStack() {
  if (is_sanitized() || has_one_already()) return;
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return;
  const stack_t stack{.ss_sp = memory, .ss_flags = 0, .ss_size = kBytes};
  if (::sigaltstack(&stack, nullptr) == 0) {
    memory_ = memory;
  } else {
    ::munmap(memory, kBytes);
  }
}

AlternateStack::~AlternateStack() {
  if (memory_ == nullptr) return;
  const stack_t none{.ss_sp = nullptr, .ss_flags = SS_DISABLE, .ss_size = 0};
  ::sigaltstack(&none, nullptr);
  ::munmap(memory_, kBytes);
}

}  // namespace reeve::worker
