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
#include "ipc/listen_fds.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/listen/steered_address.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

class Listener {
 public:
  /// Our own, not open yet.
  explicit Listener(ListenerConfig config) : config_(std::move(config)) {}
  /// From systemd.
  Listener(ListenerConfig config, ipc::UniqueFd adopted)
      : config_(std::move(config)), fd_(std::move(adopted)), adopted_(true) {}
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  // listeners_handover.cpp
  [[nodiscard]] static std::shared_ptr<Listener> adopt(const ListenerHandover& handover);
  [[nodiscard]] ListenerHandover hand_over() const;

  /// Binds and listens, unless it does already. A port that the kernel chose is asked for again
  /// after a close, so that clients find it.
  [[nodiscard]] ipc::Result<> open();
  /// Lets go of the socket and of the path of a Unix one. Nothing happens to one from systemd.
  void close();

  /// Nobody finds a Unix listener any more; who has connected stays. Nothing happens to the others.
  void remove_path();

  [[nodiscard]] int fd() const { return fd_.get(); }  ///< -1 when closed, or steered
  [[nodiscard]] bool is_open() const { return fd_ || steered_ != nullptr; }
  /// Where each worker gets a socket of its own; null when they share one, and when closed.
  [[nodiscard]] const std::shared_ptr<SteeredAddress>& steered() const { return steered_; }
  /// Every socket that connections may wait at; borrowed.
  [[nodiscard]] std::vector<int> sockets() const;
  [[nodiscard]] bool adopted() const { return adopted_; }
  [[nodiscard]] const std::string& name() const { return config_.name; }
  [[nodiscard]] const ListenerConfig& config() const { return config_; }
  /// Where it really listens: "127.0.0.1:43127".
  [[nodiscard]] std::string address() const;

  /// A changed backlog applies to the socket as it is.
  void set_backlog(int backlog);

 private:
  [[nodiscard]] ipc::Result<> open_at(const ipc::Address& where);

  ListenerConfig config_;
  ipc::UniqueFd fd_;
  std::shared_ptr<SteeredAddress> steered_;
  bool adopted_ = false;
  bool path_is_ours_ = false;
  std::optional<ipc::Address> bound_;  // Known after the first open.
};

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

}  // namespace reeve::supervisor
