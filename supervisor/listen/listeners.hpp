#pragma once
// The listening sockets that the master owns and workers inherit. One that systemd passed is never
// closed and never bound again; one of our own may be closed while its pool is stopped. Loop
// thread.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/file_id.hpp"
#include "ipc/format/fields.hpp"
#include "ipc/listen_fds.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/listen/steered_address.hpp"
#include "supervisor/listen/worker_socket.hpp"

namespace reeve::supervisor {

class Listener {
 public:
  struct State {
    ListenerConfig config;
    int fd = ipc::kNoFd;   ///< none: closed, or steered
    bool adopted = false;  ///< from systemd
    bool path_is_ours = false;
    std::optional<ipc::FileId> file;    ///< of a Unix socket, once bound
    std::optional<ipc::Address> bound;  ///< known after the first open
    std::optional<SteeredAddress::State> steered;
  };

  /// Our own, not open yet.
  explicit Listener(ListenerConfig config) : state_{.config = std::move(config)} {}
  /// From systemd.
  Listener(ListenerConfig config, ipc::UniqueFd adopted)
      : state_{.config = std::move(config), .adopted = true}, fd_(std::move(adopted)) {}
  /// Of another master, whose descriptors it takes over.
  explicit Listener(State state);
  [[nodiscard]] State state() const;
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Binds and listens, unless it does already. A port that the kernel chose is asked for again
  /// after a close, so that clients find it.
  [[nodiscard]] ipc::Result<> open();
  /// Lets go of the socket and of the path of a Unix one. Nothing happens to one from systemd.
  void close();

  /// Nobody finds a Unix listener any more; who has connected stays. Nothing happens to the others,
  /// nor to a file that another process has bound there meanwhile.
  void remove_path();
  /// Somebody has removed the file of a Unix listener: nobody finds it. It cannot be put back, only
  /// bound anew.
  [[nodiscard]] bool path_is_gone() const;
  /// Gone, or another's by now.
  [[nodiscard]] bool path_is_lost() const;

  [[nodiscard]] int fd() const { return fd_.get(); }  ///< -1 when closed, or steered
  [[nodiscard]] bool is_open() const { return fd_ || steered_ != nullptr; }
  /// Where each worker gets a socket of its own; null when they share one, and when closed.
  [[nodiscard]] const std::shared_ptr<SteeredAddress>& steered() const { return steered_; }
  /// Every socket that connections may wait at; borrowed.
  [[nodiscard]] std::vector<int> sockets() const;
  [[nodiscard]] bool adopted() const { return state_.adopted; }
  [[nodiscard]] const std::string& name() const { return state_.config.name; }
  [[nodiscard]] const ListenerConfig& config() const { return state_.config; }
  /// Where it really listens: "127.0.0.1:43127".
  [[nodiscard]] std::string address() const;

  /// A changed backlog applies to the socket as it is.
  void set_backlog(int backlog);
  /// Changed `mode`, `owner` and `group` apply to the file as it is.
  [[nodiscard]] ipc::Result<> set_access(const ListenerConfig& changed);

 private:
  [[nodiscard]] ipc::Result<> open_at(const ipc::Address& where);
  [[nodiscard]] bool has_file() const;
  [[nodiscard]] ipc::Result<> apply_access() const;

  State state_;  // Less the descriptors, which are below.
  ipc::UniqueFd fd_;
  std::shared_ptr<SteeredAddress> steered_;
};
REEVE_FIELDS(Listener::State, config, fd, adopted, path_is_ours, file, bound, steered)

/// Shared by the deployed versions of the pools that use it: it goes when the last of them does.
using SharedListener = std::shared_ptr<Listener>;
using ListenerSet = std::vector<SharedListener>;

/// Opens what `configs` names, taking over from `open_now` what keeps its address and from
/// `adopted` what systemd passed. An error leaves `open_now` as it was; what was opened is closed
/// again.
[[nodiscard]] ipc::Result<ListenerSet> open_listeners(const std::vector<ListenerConfig>& configs,
                                                      const ListenerSet& open_now,
                                                      std::vector<ipc::NamedFd>& adopted);

[[nodiscard]] SharedListener find_listener(const ListenerSet& listeners, const std::string& name);

/// The listeners that are handed over, each once, however many deployments share it. Those who
/// refer to one name its place in the list.
class HandedListeners {
 public:
  /// Adds the listener unless it is there. Returns its place.
  [[nodiscard]] std::size_t place_of(const Listener& listener);
  /// The worker sockets whose address a listener still has. A worker of an older deployment may
  /// have others: its own copy of the socket is all that is left of them.
  [[nodiscard]] std::vector<WorkerSocket::State> places_of(
      const WorkerSockets& worker_sockets) const;

  [[nodiscard]] std::vector<Listener::State> states() const;

 private:
  std::vector<const Listener*> known_;
};

/// The other way round: each listener goes on in this process.
[[nodiscard]] ListenerSet adopt_listeners(const std::vector<Listener::State>& states);
[[nodiscard]] WorkerSockets adopt_worker_sockets(const std::vector<WorkerSocket::State>& states,
                                                 const ListenerSet& listeners);

}  // namespace reeve::supervisor
