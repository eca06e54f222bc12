#pragma once
// The master's end of a worker's stdout or stderr. Never blocks, and reads a bounded amount a turn,
// so that a flood starves nobody; a worker that outruns the master waits in its own write. Loop
// thread.

#include <cstddef>
#include <optional>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/log/line_splitter.hpp"

namespace reeve::supervisor {

class LogPipe {
 public:
  /// The descriptor, and the part of the last line that has been read already.
  struct State {
    int fd = ipc::kNoFd;
    LineSplitter::State line;
  };

  struct Callbacks {
    LineSplitter::OnLine on_line;
    /// Gets a line so far that has no end after a short silence: a prompt, "12 %". It comes again
    /// when it has grown, and to on_line once it is whole.
    LineSplitter::OnLine on_part;
  };

  /// Takes over the descriptor: of a new worker, or where another master has stopped reading.
  LogPipe(ipc::uv::Loop& loop, State state, Callbacks callbacks);
  [[nodiscard]] State state() const { return {.fd = fd_.get(), .line = lines_.state()}; }

  /// Takes what lies in the pipe.
  void take();
  /// All of the worker has died: takes that, and the last line without an end.
  /// Another process that holds the pipe open is not waited for.
  void finish();

 private:
  enum class Progress { More, Empty, Ended };
  [[nodiscard]] Progress read_once();
  void on_readable();
  void await_silence();

  ipc::uv::Loop& loop_;
  ipc::UniqueFd fd_;
  LineSplitter::OnLine on_part_;
  LineSplitter lines_;
  ipc::uv::Poll poll_;
  std::optional<ipc::uv::Timer> silence_;  ///< Made for the first part: most write whole lines.
};
REEVE_FIELDS(LogPipe::State, fd, line)

}  // namespace reeve::supervisor
