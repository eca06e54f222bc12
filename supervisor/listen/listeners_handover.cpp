#include "supervisor/listen/listeners_handover.hpp"

#include <algorithm>

namespace reeve::supervisor {

std::size_t HandedListeners::place_of(const Listener& listener) {
  const auto found = std::ranges::find(known_, &listener);
  const auto place = static_cast<std::size_t>(found - known_.begin());
  if (found == known_.end()) {
    known_.push_back(&listener);
    listeners_.push_back(listener.hand_over());
  }
  return place;
}

std::vector<WorkerSocketHandover> HandedListeners::places_of(
    const WorkerSockets& worker_sockets) const {
  std::vector<WorkerSocketHandover> places;
  for (const WorkerSocket& worker_socket : worker_sockets) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const auto& address = known_[i]->steered();
      if (address == nullptr || !worker_socket.is_at(address)) continue;
      places.push_back({.listener = i, .member = worker_socket.number()});
    }
  }
  return places;
}

ListenerHandover Listener::hand_over() const {
  ListenerHandover handover{.config = config_,
                            .fd = fd_.get(),
                            .adopted = adopted_,
                            .path_is_ours = path_is_ours_,
                            .bound = bound_,
                            .steered = {}};
  if (steered_ != nullptr) handover.steered = steered_->hand_over();
  return handover;
}

SharedListener Listener::adopt(const ListenerHandover& handover) {
  auto listener = std::make_shared<Listener>(handover.config);
  listener->fd_ = ipc::UniqueFd(handover.fd);
  listener->adopted_ = handover.adopted;
  listener->path_is_ours_ = handover.path_is_ours;
  listener->bound_ = handover.bound;
  if (handover.steered) {
    listener->steered_ = std::make_shared<SteeredAddress>(SteeredAddress::adopt(*handover.steered));
  }
  return listener;
}

SteeredHandover SteeredAddress::hand_over() const {
  SteeredHandover handover{.anchor_fd = anchor_.get(),
                           .address = address_,
                           .backlog = backlog_,
                           .sockets = {},
                           .next_member = next_};
  for (const Socket& socket : sockets_) {
    handover.sockets.push_back({.member = static_cast<std::uint64_t>(socket.member),
                                .fd = socket.fd.get(),
                                .enabled = socket.enabled});
  }
  return handover;
}

/// The kernel keeps its program for as long as the group has a socket: nothing is to be attached.
SteeredAddress SteeredAddress::adopt(const SteeredHandover& handover) {
  SteeredAddress address(ipc::UniqueFd(handover.anchor_fd), handover.address, handover.backlog);
  for (const SteeredHandover::Socket& socket : handover.sockets) {
    address.sockets_.push_back(
        Socket{Member{socket.member}, ipc::UniqueFd(socket.fd), socket.enabled});
  }
  address.next_ = handover.next_member;
  return address;
}

ListenerSet adopt_listeners(const std::vector<ListenerHandover>& handed) {
  ListenerSet listeners;
  for (const ListenerHandover& one : handed) listeners.push_back(Listener::adopt(one));
  return listeners;
}

WorkerSockets adopt_seats(const std::vector<WorkerSocketHandover>& handed,
                          const ListenerSet& listeners) {
  WorkerSockets worker_sockets;
  for (const WorkerSocketHandover& worker_socket : handed) {
    worker_sockets.push_back(
        WorkerSocket::adopt(listeners[worker_socket.listener]->steered(), worker_socket.member));
  }
  return worker_sockets;
}

}  // namespace reeve::supervisor
