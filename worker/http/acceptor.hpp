#pragma once
// Accepts from one listener that was bound elsewhere and is shared with other workers. Not
// uv_listen, which would call listen(2) again and reset the backlog. Loop thread only.

#include <cstdint>
#include <functional>
#include <string>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "worker/http/request_access.hpp"

namespace reeve::worker {

class Acceptor {
 public:
  using OnConnection = std::function<void(ipc::UniqueFd fd, const Peer& peer)>;
  using OnTrouble = std::function<void(const std::string& line)>;

  Acceptor(ipc::uv::Loop& loop, ipc::UniqueFd listener, OnConnection on_connection,
           OnTrouble on_trouble);

  /// Leaves what arrives in the accept queue, for the other workers or for later.
  void pause();
  void resume();

  /// Accepts all that waits in the queue now. Closing the last holder of a listener resets what is
  /// left in it.
  void empty_queue();

 private:
  enum class Trouble : std::uint8_t {
    None,
    Passing,  ///< out of descriptors or memory: it is tried again; told once, until it succeeds
    Lasting,  ///< the listener is none, or none any more: nothing is accepted from it for good
  };

  void on_readable();
  /// False: nothing waits, or there is trouble.
  [[nodiscard]] bool accept_one();
  void on_trouble(int code, Trouble kind);
  void watch();

  ipc::UniqueFd listener_;
  OnConnection on_connection_;
  OnTrouble on_trouble_;
  ipc::uv::Poll poll_;
  ipc::uv::Timer retry_;
  bool paused_ = false;
  Trouble trouble_ = Trouble::None;
};

}  // namespace reeve::worker
