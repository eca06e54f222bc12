#pragma once
// Signals as ordinary input of a loop, read from a signalfd: no handler ever runs, and no child
// inherits a signal pipe (libuv's own is shared by forks and would make phantom signals). Main
// thread, before any other thread, which inherits the mask.

#include <signal.h>

#include <functional>
#include <initializer_list>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"

namespace reeve::ipc::uv {

/// Blocks the signals in this thread: what arrives from then on waits. Returns them as a set.
sigset_t block_signals(std::initializer_list<int> signals);

class Signals {
 public:
  /// Blocks `watched`, and hands each one that arrives to `on_signal`. Throws std::system_error
  /// when the kernel has no descriptor left.
  Signals(Loop& loop, std::initializer_list<int> watched,
          std::function<void(int signal)> on_signal);

 private:
  void read();

  UniqueFd fd_;
  std::function<void(int)> on_signal_;
  Poll poll_;
};

}  // namespace reeve::ipc::uv
