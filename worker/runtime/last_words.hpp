#pragma once
// What a worker says of itself when something is wrong with it, in signal handlers, into the black
// box: the stacks of its threads when the master asks for them, the stack of a crash, the exception
// that nobody caught. Takes no handler away that the application has set, and none under a
// sanitizer, which reports crashes itself.

#include <optional>

#include "ipc/recorder.hpp"
#include "worker/runtime/alternate_stack.hpp"

namespace reeve::worker {

class LastWords {
 public:
  /// Nothing without a master: nobody would read it. One at a time, and not after another thread
  /// was started that blocks signals. The recorder outlives this.
  explicit LastWords(const ipc::Recorder& recorder);
  ~LastWords();
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;

 private:
  std::optional<AlternateStack> stack_;
};

}  // namespace reeve::worker
