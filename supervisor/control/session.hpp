#pragma once
// One client of the control socket: frames in, frames out, one request at a time. A client that is
// slow, silent or hostile costs a bounded amount of memory and nobody's time. Loop thread.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/control/frame_reader.hpp"
#include "ipc/control/protocol.hpp"
#include "ipc/format/fields.hpp"

namespace reeve::supervisor {

///   Listening --request--> Waiting --last reply--> Listening
///                          Following: the same, for what is followed; ends by the client, or by
///                          the end of the master
///   any of them --end of file, error, too much to send--> gone
class ControlSession {
 public:
  /// With more than this unsent before another reply, the client is cut off; one that follows
  /// misses lines, and is told how many. One reply may be longer.
  static constexpr std::size_t kMaxUnsentBytes = 4 << 20;

  struct Callbacks {
    std::function<void(const ipc::control::Request&)> on_request;
    std::function<void()> on_gone;  ///< may destroy the session
  };

  struct State {
    int fd = ipc::kNoFd;
    pid_t pid = 0;       ///< of the client
    std::string unread;  ///< received, not yet served
    std::string unsent;
    bool input_ended = false;
    std::optional<std::string> follows;  ///< the request, of one that follows
    bool wants_verdict = false;          ///< it waits for one; handed over: on the upgrade
    std::uint64_t left_out = 0;          ///< lines that one that follows was too slow for
  };

  /// Takes over the descriptor: of a new client, or of one whose master is replaced.
  ControlSession(ipc::uv::Loop& loop, State state, Callbacks callbacks);
  [[nodiscard]] State state() const;
  /// Asks anew for what it follows, without the past that it has already.
  void resume() const;
  [[nodiscard]] bool waits_for_verdict() const { return phase_ == Phase::Waiting; }
  [[nodiscard]] pid_t pid() const { return state_.pid; }

  /// An answer to the request that is being served. With `continues`, more will follow.
  void reply(const ipc::control::Reply& reply);

  [[nodiscard]] bool follows() const { return phase_ == Phase::Following; }

 private:
  enum class Phase : std::uint8_t { Listening, Waiting, Following, Gone };

  void on_event(int events);
  void read_input();
  void serve_next();
  void send_unsent();
  void tell_what_was_left_out();
  void watch();
  [[nodiscard]] bool is_cut_off() const;
  void leave();

  ipc::UniqueFd fd_;
  Callbacks callbacks_;
  ipc::control::FrameReader frames_;
  State state_;  // What phase_ and frames_ say beside it, they say themselves.
  Phase phase_ = Phase::Listening;
  bool half_closed_ = false;  // It will say no more, and may still listen.
  bool all_served_ = true;    // No whole frame waits in frames_.
  ipc::uv::Poll poll_;
};
REEVE_FIELDS(ControlSession::State, fd, pid, unread, unsent, input_ended, follows, wants_verdict,
             left_out)

}  // namespace reeve::supervisor
