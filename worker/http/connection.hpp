#pragma once
// One connection of a client: its socket, what came in, what goes out, the request between the two,
// and how it ends in a drain. One request at a time; those behind it wait in the buffer, so answers
// leave in order. Loop thread only.
//
//   Fresh --+                        +--> Streaming --+
//           +--> Receiving --> Handling --------------+--> Flushing --> Idle, Lingering or Closed
//   Idle ---+
//
// Fresh has sent nothing yet; Idle has been answered and may ask again. From any phase: the client
// leaves, or a deadline passes --> Closed, or Abandoned while a handler that cannot be cancelled
// still runs.

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "ipc/base/clock.hpp"
#include "ipc/base/unique_fd.hpp"
#include "worker/http/buffers.hpp"
#include "worker/http/exchange.hpp"
#include "worker/http/request_access.hpp"
#include "worker/http/request_parser.hpp"
#include "worker/http/services.hpp"

namespace reeve::worker {

class Connection final : private Exchange::Client {
 public:
  enum class Phase : std::uint8_t {
    Fresh,
    Idle,
    Receiving,
    Handling,
    Streaming,
    Flushing,
    Lingering,
    Abandoned,
    Closed
  };

  /// The server's side of it.
  class Owner {
   public:
    /// A deadline was set, perhaps an earlier one than the owner knew.
    virtual void on_deadline(ipc::TimePoint deadline) = 0;
    /// The connection is over: its owner destroys it now.
    virtual void on_closed(Connection& connection) = 0;

   protected:
    ~Owner() = default;
  };

  static constexpr ipc::TimePoint kNever = ipc::TimePoint::max();

  using Position = std::list<Connection>::iterator;

  Connection(RequestServices& services, Owner& owner, ipc::UniqueFd fd, const Peer& peer);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Each of these may end in Owner::on_closed, so it is the last thing that its caller does with
  // the connection.

  /// Reads at once what came along with the connection.
  void start();
  /// RequestServices::drain was set or changed.
  void drain();
  /// The deadline has passed.
  void expire();
  /// Ends it whatever it does.
  void abort();

  /// Where the owner keeps it.
  void set_position(Position position) { position_ = position; }
  [[nodiscard]] Position position() const { return position_; }

  [[nodiscard]] ipc::TimePoint deadline() const { return deadline_; }
  [[nodiscard]] Phase phase() const { return phase_; }
  /// The request that is being answered, "GET /slow (12.3 s)".
  [[nodiscard]] std::optional<std::string> request_in_progress() const;

 private:
  /// What follows the answer under way.
  enum class After : std::uint8_t { NextRequest, Close, Linger };

  void on_io(int events);
  void on_progress() override;
  bool on_chunk(std::string_view chunk) override;

  /// Every event goes through here: `act` notes what happened, then the phases advance as far as
  /// they can.
  template <class Act>
  void turn(Act act);
  [[nodiscard]] bool step();
  void enter(Phase phase, ipc::TimePoint deadline);
  [[nodiscard]] ipc::TimePoint idle_deadline() const;
  /// No more requests: the client has sent its last byte, and all of them are used.
  [[nodiscard]] bool out_of_requests() const { return end_of_input_ && input_.unread().empty(); }
  [[nodiscard]] bool handler_runs() const {
    return phase_ == Phase::Handling || phase_ == Phase::Streaming;
  }
  void rest();
  void linger();
  void abandon();

  // connection_answers.cpp. What returns a bool says whether it got further.
  void begin_request();
  [[nodiscard]] bool receive_request();
  [[nodiscard]] bool take_response();
  [[nodiscard]] bool take_stream();
  [[nodiscard]] bool flush_response();
  void answer(Response response);
  void refuse(const ParseError& error);
  void finish_response();
  [[nodiscard]] After choose_after(bool head_only) const;

  // connection_socket.cpp
  void receive();
  void on_end_of_input();
  void probe();
  void flush();
  void watch();

  RequestServices& services_;
  Owner& owner_;
  Position position_{};
  Peer peer_;
  ipc::UniqueFd fd_;
  // Made when a recv first found nothing: a short connection needs none.
  std::optional<SocketSet::Member> poll_;

  RequestParser parser_;
  std::shared_ptr<Exchange> exchange_;
  Input input_;
  Output output_;
  std::size_t pushed_this_turn_ = 0;
  std::size_t dropped_ = 0;

  Phase phase_ = Phase::Fresh;
  ipc::TimePoint deadline_ = kNever;
  int status_ = 0;  // The response's that is under way, as the next two.
  BodyFraming framing_ = BodyFraming::None;
  After after_ = After::Close;
  bool head_complete_ = false;   // The head of the request being received.
  bool end_of_input_ = false;    // The client has sent its last byte; it may still read.
  bool producer_waits_ = false;  // For the socket to take what is queued, or for the next turn.
  bool in_turn_ = false;
};

}  // namespace reeve::worker
