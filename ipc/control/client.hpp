#pragma once
// A blocking client of the control socket, for reevectl and for tests.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/control/frame_reader.hpp"
#include "ipc/control/protocol.hpp"

namespace reeve::ipc::control {

class Client {
 public:
  /// `limit`: a master that does not even take the connection within it is an Error with EAGAIN.
  [[nodiscard]] static Result<Client> connect(const std::string& socket_path,
                                              std::chrono::milliseconds limit = {});

  /// Sends one request and returns its last reply; `on_more` gets the replies before it. Without
  /// `more` in the request they are parts of one reply, and are put together.
  /// A request that failed as a whole comes back as a Reply with `error`; an Error is a broken
  /// line.
  [[nodiscard]] Result<Reply> call(const Request& request,
                                   const std::function<void(const Reply&)>& on_more = {});

  /// Of whom it is connected with; 0 when the kernel does not say.
  [[nodiscard]] pid_t master_pid() const;

  /// From now on a reply that does not come within `limit` is an Error with EAGAIN. Zero: it waits
  /// for as long as it takes.
  [[nodiscard]] Result<> limit_wait(std::chrono::milliseconds limit);

 private:
  explicit Client(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
  FrameReader frames_;
};

}  // namespace reeve::ipc::control
