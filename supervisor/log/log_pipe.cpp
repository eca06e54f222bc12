#include "supervisor/log/log_pipe.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
constexpr int kChunksATurn = 4;
constexpr int kChunksAtTheEnd = 64;  // A pipe holds 64 KiB, unless someone has enlarged it.

}  // namespace

LogPipe::LogPipe(ipc::uv::Loop& loop, State state, LineSplitter::OnLine on_line)
    : fd_(state.fd),
      lines_(std::move(on_line), std::move(state.line)),
      poll_(loop, fd_.get(), [this](int) { on_readable(); }) {
  poll_.watch(UV_READABLE);
}

LogPipe::Progress LogPipe::read_once() {
  std::array<char, kReadBytes> chunk;
  const ssize_t size = ::read(fd_.get(), chunk.data(), chunk.size());
  if (size > 0) {
    lines_.feed({chunk.data(), static_cast<std::size_t>(size)});
    return Progress::More;
  }
  if (size < 0 && errno == EINTR) return Progress::More;
  return size < 0 && errno == EAGAIN ? Progress::Empty : Progress::Ended;
}

void LogPipe::on_readable() {
  for (int i = 0; i < kChunksATurn; ++i) {
    switch (read_once()) {
      case Progress::More:
        break;
      case Progress::Empty:
        return;
      case Progress::Ended:
        poll_.watch(0);
        lines_.finish();
        return;
    }
  }
}

void LogPipe::take() {
  for (int i = 0; i < kChunksAtTheEnd && read_once() == Progress::More; ++i) {
  }
}

void LogPipe::finish() {
  take();
  poll_.watch(0);
  lines_.finish();
}

}  // namespace reeve::supervisor
