#pragma once
// One client of the control socket: frames in, frames out, one request at a time. A client that is
// slow, silent or hostile costs a bounded amount of memory and nobody's time. Loop thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/control/frame_reader.hpp"
#include "ipc/control/protocol.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

///   Listening --request--> Waiting --last reply--> Listening
///                          Following: the same, for what is followed; ends by the client, or by
///                          the end of the master
///   any of them --end of file, error, too much to send--> gone
class ControlSession {
 public:
  /// With more than this unsent before another reply, the client is cut off. One reply may be
  /// longer.
  static constexpr std::size_t kMaxUnsentBytes = 4 << 20;

  struct Callbacks {
    std::function<void(const ipc::control::Request&)> on_request;
    std::function<void()> on_gone;  ///< may destroy the session
  };

  ControlSession(ipc::uv::Loop& loop, ipc::UniqueFd fd, Callbacks callbacks);

  // control_handover.cpp: a client whose master is replaced.
  ControlSession(ipc::uv::Loop& loop, const SessionHandover& handover, Callbacks callbacks);
  /// Asks anew for what it follows, without the past that it has already.
  void resume(const SessionHandover& handover) const;
  [[nodiscard]] SessionHandover hand_over() const;
  [[nodiscard]] bool waits_for_verdict() const { return state_ == State::Waiting; }

  /// An answer to the request that is being served. With `continues`, more will follow.
  void reply(const ipc::control::Reply& reply);

  [[nodiscard]] bool follows() const { return state_ == State::Following; }

 private:
  enum class State : std::uint8_t { Listening, Waiting, Following, Gone };

  void on_event(int events);
  void read_input();
  void serve_next();
  void send_unsent();
  void watch();
  [[nodiscard]] bool is_cut_off() const;
  void leave();

  ipc::UniqueFd fd_;
  Callbacks callbacks_;
  ipc::control::FrameReader frames_;
  std::string unsent_;
  std::string follows_;  // The request, while Following.
  State state_ = State::Listening;
  bool input_ended_ = false;
  bool half_closed_ = false;  // It will say no more, and may still listen.
  bool all_served_ = true;    // No whole frame waits in frames_.
  ipc::uv::Poll poll_;
};

}  // namespace reeve::supervisor
