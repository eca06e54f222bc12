#pragma once
// The writing end of a chunked response, for the coroutine that produces it.
//
//   reeve::Task<> tick(reeve::StreamWriter& out) {
//     while (!out.draining()) {
//       co_await out.write("tick\n");
//       co_await reeve::sleep_for(1s);
//     }
//   }
//
// When the client leaves, the next wait of the producer throws Cancelled. Loop thread only.

#include <string_view>

#include "reeve/suspension.hpp"

namespace reeve {

class StreamWrite;

namespace worker {

/// Where the chunks go: the connection.
class StreamSink {
 public:
  /// Queues a chunk. False when the producer has to wait for the client, or for its turn.
  virtual bool push(std::string_view chunk) = 0;
  /// The wait to wake when the producer may go on, or null.
  virtual void set_waiting(StreamWrite* wait) = 0;
  /// The worker is to stop.
  [[nodiscard]] virtual bool draining() const = 0;

 protected:
  ~StreamSink() = default;
};

}  // namespace worker

/// One `co_await out.write(...)`.
class [[nodiscard]] StreamWrite final : public Suspension {
 public:
  /// For StreamWriter::write().
  StreamWrite(worker::StreamSink& sink, bool ready) : sink_(sink), ready_(ready) {}
  ~StreamWrite() override {
    if (waiting()) sink_.set_waiting(nullptr);
  }
  /// True while the client keeps up.
  [[nodiscard]] bool await_ready() const noexcept { return ready_; }
  /// Throws Cancelled.
  void await_resume() const { check(); }

  /// For the sink: the producer may go on.
  void resume() { wake(); }

 private:
  void start(worker::Context&) override { sink_.set_waiting(this); }
  bool abandon() noexcept override {
    sink_.set_waiting(nullptr);
    return true;
  }

  worker::StreamSink& sink_;
  bool ready_;
};

/// Where the producer of a streamed response writes. Loop thread; not after the producer has ended.
class StreamWriter {
 public:
  /// For the server.
  explicit StreamWriter(worker::StreamSink& sink) : sink_(sink) {}

  /// Sends one chunk; waits while the client is slower than the producer. An empty one sends
  /// nothing.
  StreamWrite write(std::string_view chunk) { return {sink_, sink_.push(chunk)}; }
  /// The worker is to stop: a stream without an end should end now.
  [[nodiscard]] bool draining() const { return sink_.draining(); }

 private:
  worker::StreamSink& sink_;
};

}  // namespace reeve
