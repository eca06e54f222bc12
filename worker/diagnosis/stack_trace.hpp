#pragma once
// The stack of the calling thread, which a signal handler takes, or writes into a black box.
// Async-signal-safe as far as unwinding is: the unwinder takes no lock and allocates nothing with
// glibc 2.35 and later.

#include <array>
#include <cstddef>
#include <cstdint>

#include "ipc/recorder/black_box.hpp"
#include "worker/diagnosis/symbolizer.hpp"

namespace reeve::worker {

struct Stack {
  static constexpr std::size_t kMostFrames = 48;

  std::array<std::uintptr_t, kMostFrames> frames{};  ///< the innermost first
  std::size_t count = 0;
  std::uintptr_t interrupted = 0;  ///< the frame that is no return address; 0: all are

  /// An address within the function of a frame: a return address may lie behind the end of a
  /// function that never returns.
  [[nodiscard]] std::uintptr_t inside(std::size_t frame) const {
    return frames[frame] == interrupted ? frames[frame] : frames[frame] - 1;
  }
};

/// `context` is the third argument of the signal handler: what was interrupted comes first, the
/// handler itself is left out.
[[nodiscard]] Stack take_stack(const void* context);

/// The same, one line a function.
void write_stack(ipc::BlackBoxWriter out, Symbolizer& symbolizer, const void* context);

/// "thread 1234 (web)", of the caller.
void write_thread_name(ipc::BlackBoxWriter out);

}  // namespace reeve::worker
