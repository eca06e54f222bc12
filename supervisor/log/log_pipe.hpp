#pragma once
// The master's end of a worker's stdout or stderr. Never blocks, and reads a bounded amount a turn,
// so that a flood starves nobody; a worker that outruns the master waits in its own write. Loop
// thread.

#include <cstddef>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/log/line_splitter.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

class LogPipe {
 public:
  LogPipe(ipc::uv::Loop& loop, ipc::UniqueFd read_end, LineSplitter::OnLine on_line);
  /// Goes on where another master has stopped reading.
  LogPipe(ipc::uv::Loop& loop, const LogPipeHandover& handover, LineSplitter::OnLine on_line);
  [[nodiscard]] LogPipeHandover hand_over() const;

  /// The worker has died: takes what still lies in the pipe, and the last line without an end.
  /// Another process that holds the pipe open is not waited for.
  void finish();

 private:
  enum class Progress { More, Empty, Ended };
  [[nodiscard]] Progress read_once();
  void on_readable();

  ipc::UniqueFd fd_;
  LineSplitter lines_;
  ipc::uv::Poll poll_;
};

}  // namespace reeve::supervisor
