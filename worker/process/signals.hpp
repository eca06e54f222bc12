#pragma once
// Signals as events of the loop, read from a signalfd: no handler, so nothing runs at an awkward
// moment. Main thread only, and before any other thread, which inherits the mask.

#include <functional>
#include <initializer_list>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"

namespace reeve::worker {

class Signals {
 public:
  /// Blocks `watched` and hands each one that arrives to `on_signal`.
  Signals(ipc::uv::Loop& loop, std::initializer_list<int> watched,
          std::function<void(int signal)> on_signal);

 private:
  void read();

  ipc::UniqueFd fd_;
  std::function<void(int)> on_signal_;
  ipc::uv::Poll poll_;
};

/// SIGPIPE would end the process when a client leaves, SIGHUP when a terminal closes, and a request
/// for stacks (ipc::stack_signal(), unless the program handles it) when nobody answers any more.
void ignore_stray_signals();

}  // namespace reeve::worker
