#pragma once
// The HTTP/1.1 server of a native worker: accepts from listeners that it was given, serves a
// router, and drains. It binds nothing, and decides neither when to drain nor when to exit. Loop
// thread only; the services must outlive it.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/worker_state.hpp"

namespace reeve::worker {

struct RequestServices;

class HttpServer {
 public:
  explicit HttpServer(RequestServices& services);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Begins to accept. The listener is non-blocking, TCP or Unix; several may be added.
  void listen(ipc::UniqueFd listener);

  /// Stops accepting and ends every connection in order; `drained` is called once, on a later turn
  /// of the loop, when none is left and no background task either. May be called again to make a
  /// patient drain prompt; the last `drained` counts.
  void drain(ipc::DrainKind kind, std::function<void()> drained);

  /// "GET /slow (12.3 s)" for each request that is running.
  [[nodiscard]] std::vector<std::string> in_progress() const;

  /// Ends what the drain did not, but for background tasks: cancels coroutines, closes every
  /// connection, and returns "GET /slow (12.3 s)" for each request that was still running. A
  /// handler on the thread pool cannot be cancelled: it is named, and `drained` waits for it to
  /// return.
  [[nodiscard]] std::vector<std::string> cancel();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve::worker
