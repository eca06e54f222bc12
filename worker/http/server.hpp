#pragma once
// The HTTP/1.1 server of a native worker: accepts from listeners that it was given, serves a
// router, and drains. It binds nothing, and decides neither when to drain nor when to exit. Loop
// thread only; the router, the pool and the state must outlive it.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/recorder.hpp"
#include "ipc/worker_state.hpp"
#include "reeve/http_limits.hpp"
#include "worker/http/health.hpp"

namespace reeve {
class Router;
class State;
}  // namespace reeve

namespace reeve::worker {

class Context;
class ThreadPool;

/// How long a drain waits for clients that are silent. The grace bounds all of it from outside.
struct DrainTiming {
  /// Patient: for the next request of a keep-alive connection, and for the first of a new one.
  std::chrono::milliseconds idle{5'000};
  /// Prompt: for the first request of a new connection.
  std::chrono::milliseconds first_byte{1'000};
};

class HttpServer {
 public:
  /// Gets one line for what an operator should read: a handler that threw, accept that failed.
  using Log = std::function<void(std::string_view line)>;

  HttpServer(Context& context, const Router& router, ThreadPool& pool, ipc::RecorderPage& page,
             State& state, HttpLimits limits, DrainTiming timing, Log log);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Begins to accept. The listener is non-blocking, TCP or Unix; several may be added.
  void listen(ipc::UniqueFd listener);

  /// Stops accepting and ends every connection in order; `drained` is called once, on a later turn
  /// of the loop, when none is left. May be called again to make a patient drain prompt; the last
  /// `drained` counts.
  void drain(ipc::DrainKind kind, std::function<void()> drained);

  /// Ends what the drain did not: cancels coroutines, closes every connection, and returns
  /// "GET /slow (12.3 s)" for each request that was still running. A handler on the thread pool
  /// cannot be cancelled: it is named, and `drained` waits for it to return.
  [[nodiscard]] std::vector<std::string> cancel();

  /// What the built-in /health routes answer; the runtime sets it.
  [[nodiscard]] Health& health();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::worker
