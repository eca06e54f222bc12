#pragma once
// One request and the handler that runs for it: routes it, makes the values that the handler asks
// for, runs it where its type says, and hands back a Response; afterwards closes the values and
// starts the background tasks. Shared with the running handler, which may outlive the connection: a
// thread cannot be cancelled. Loop thread, but for the handler on the thread pool, which sees the
// Request alone.
//
//   start() --> values --> handler --> take_response() (--> stream()) --> conclude()
//           --> values closed --> background tasks

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/recorder/writer.hpp"
#include "reeve/request.hpp"
#include "reeve/response.hpp"
#include "worker/http/background.hpp"
#include "worker/http/request_scope.hpp"
#include "worker/http/services.hpp"
#include "worker/task/spawn.hpp"

namespace reeve::worker {

class Exchange final : public std::enable_shared_from_this<Exchange>,
                       private StreamSink,
                       private BackgroundSink {
 public:
  /// The side that asked. Never called after leave().
  class Client {
   public:
    /// The handler or the producer has ended; perhaps from within start(), stream() or cancel().
    virtual void on_progress() = 0;
    /// A chunk of a stream. False when the producer has to wait until resume_stream().
    virtual bool on_chunk(std::string_view chunk) = 0;

   protected:
    ~Client() = default;
  };

  Exchange(RequestServices& services, Client& client) : services_(services), client_(&client) {}

  [[nodiscard]] Request& request() { return request_; }

  /// Routes the complete request and runs its handler.
  void start();
  /// The handler's answer, once.
  [[nodiscard]] std::optional<Response> take_response() {
    return std::exchange(response_, std::nullopt);
  }

  /// Runs the producer of a streamed response; its chunks go to Client::on_chunk.
  void stream(Response::Producer producer);
  /// Lets a producer that waits go on.
  void resume_stream();
  /// The producer ended by an exception: the response is cut short.
  [[nodiscard]] bool stream_failed() const { return stream_failed_; }

  /// A handler or a producer has not ended yet.
  [[nodiscard]] bool running() const { return running_; }
  /// Nobody waits for the answer any more.
  void cancel();
  /// The client is no longer interested, and may be gone.
  void leave() { client_ = nullptr; }

  /// The answer has left, or never will, and nothing runs: closes the values of the request, then
  /// starts its background tasks. The client may forget the exchange.
  void conclude();
  /// conclude() has something to do.
  [[nodiscard]] bool has_afterwork() const { return !scope_.empty() || !promised_.empty(); }

  /// Counts the request as answered in the recorder.
  void answered(int status);

  /// "GET /slow (12.3 s)".
  [[nodiscard]] std::string describe() const;

 private:
  void run(const Router::Route& route);
  void make_values(const Router::Route& route, const RoutePlan& plan);
  void call(const Router::Route& route);
  void follow(Spawned begun);
  void run_blocking(const BlockingHandler& handler);
  void run_async(const Activity& activity, const AsyncHandler& handler);
  [[nodiscard]] bool asks_readiness() const;
  [[nodiscard]] std::optional<Response> built_in() const;
  void finish(Response response);
  void fail(std::exception_ptr error);
  void log_failure(const std::exception_ptr& error);
  void drop_promises(std::string_view why);
  void start_promised();
  void end();

  bool push(std::string_view chunk) override;
  void set_waiting(StreamWrite* wait) override { waiting_ = wait; }
  [[nodiscard]] bool draining() const override {
    return client_ == nullptr || services_.draining();
  }

  void add(detail::BackgroundWork work) override;
  [[nodiscard]] bool disconnected() const override { return disconnected_; }

  RequestServices& services_;  // Outlive the server, and every callback of what this has begun.
  Client* client_;
  Request request_;
  std::optional<Response> response_;
  StreamWriter writer_{*this};
  StreamWrite* waiting_ = nullptr;
  Response::Producer producer_;
  Spawned task_;
  const Router::Route* route_ = nullptr;
  RequestScope scope_;
  std::vector<Background::Promised> promised_;
  std::optional<ipc::RecordedRequest> record_;
  ipc::TimePoint started_{};
  bool running_ = false;
  bool stream_failed_ = false;
  bool concluded_ = false;
  std::atomic<bool> disconnected_ = false;
};

}  // namespace reeve::worker
