#include "supervisor/log/log_pipe.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kReadBytes = 16 * 1024;
/// A program that writes a line in pieces does so faster.
constexpr auto kSilence = std::chrono::milliseconds(200);
constexpr int kChunksATurn = 4;
constexpr int kChunksAtTheEnd = 64;  // A pipe holds 64 KiB, unless someone has enlarged it.

}  // namespace

LogPipe::LogPipe(ipc::uv::Loop& loop, State state, Callbacks callbacks)
    : loop_(loop),
      fd_(state.fd),
      on_part_(std::move(callbacks.on_part)),
      lines_(std::move(callbacks.on_line), std::move(state.line)),
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
        return await_silence();
      case Progress::Ended:
        poll_.watch(0);
        lines_.finish();
        return;
    }
  }
  await_silence();
}

void LogPipe::await_silence() {
  if (lines_.state().partial.empty()) {
    if (silence_) silence_->disarm();
    return;
  }
  if (!silence_) {
    silence_.emplace(loop_, [this] {
      if (!lines_.state().partial.empty()) on_part_(lines_.state().partial);
    });
  }
  silence_->arm_from_now(kSilence);
}

void LogPipe::take() {
  for (int i = 0; i < kChunksAtTheEnd && read_once() == Progress::More; ++i) {
  }
}

void LogPipe::finish() {
  take();
  poll_.watch(0);
  if (silence_) silence_->disarm();
  lines_.finish();
}

}  // namespace reeve::supervisor
