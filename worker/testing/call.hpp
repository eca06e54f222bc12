#pragma once
// One request of a test, handled as a Connection would, but without a socket. The bytes go through
// the same parser, the Request through the same Exchange, the chunks are collected. Loop thread
// only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ipc/base/uv.hpp"
#include "reeve/testing.hpp"
#include "worker/http/exchange.hpp"
#include "worker/http/request_access.hpp"
#include "worker/http/services.hpp"

namespace reeve::worker {

class TestCallState final : private Exchange::Client {
 public:
  /// Runs the loop until the call is done. Throws TestTimeout.
  using Wait = std::function<void(TestCallState&)>;

  TestCallState(RequestServices& services, TestRequest request, Wait wait);
  TestCallState(const TestCallState&) = delete;
  TestCallState& operator=(const TestCallState&) = delete;
  ~TestCallState();

  /// Parses and routes it, and runs its handler up to its first wait. Throws std::invalid_argument
  /// for a request without an end.
  void start();
  /// The client disconnects.
  void leave();
  /// Lets go of the service, which may be destroyed then. What is not done is cancelled.
  void release();

  /// "GET /slow"
  [[nodiscard]] std::string name() const;
  /// "GET /slow (12.3 s)", while it is not done.
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] bool done() const { return stage_ == Stage::Done; }
  [[nodiscard]] bool left() const { return left_; }
  [[nodiscard]] const TestResponse& response() const { return response_; }
  void wait() {
    if (!done()) wait_(*this);
  }

 private:
  ///   Handling --> Streaming --> Done      leave(): any --> Done
  ///      +-------------------------^
  enum class Stage : std::uint8_t { Handling, Streaming, Done };

  void on_progress() override;
  bool on_chunk(std::string_view chunk) override;
  void advance();
  [[nodiscard]] bool step();
  void answer(Response response);

  TestRequest request_;
  Wait wait_;
  Peer peer_;
  std::shared_ptr<Exchange> exchange_;  ///< none after release(), as the next
  std::optional<ipc::uv::Async> next_turn_;
  HttpLimits limits_;
  TestResponse response_;
  Stage stage_ = Stage::Handling;
  bool in_turn_ = false;
  bool left_ = false;
};

}  // namespace reeve::worker
