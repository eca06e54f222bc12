#include "supervisor/pool/pool_listeners.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace reeve::supervisor {
namespace {

/// A client that has connected stays.
void shut_out_newcomers(Listener& listener) {
  if (listener.config().address.kind == ipc::Address::Kind::Unix) {
    listener.remove_path();
    return;
  }
  for (const int socket : listener.sockets()) {
    // Without the filter the queue is emptied all the same; it may only fill again.
    [[maybe_unused]] const auto tolerated = refuse_new_connections(socket);
  }
}

}  // namespace

ipc::Result<> PoolListeners::open(const ListenerSet& listeners) {
  hurry();
  for (const SharedListener& listener : listeners) {
    if (listener->is_open()) continue;
    if (auto opened = listener->open(); !opened) return std::unexpected(opened.error());
    log_.info("listening on {} {}", listener->name(), listener->address());
  }
  return {};
}

void PoolListeners::close(const ListenerSet& listeners) const {
  for (const SharedListener& listener : own(listeners)) listener->close();
}

void PoolListeners::empty(const ListenerSet& listeners, AcceptQueueWait::Limits limits,
                          std::function<void()> on_empty) {
  const ListenerSet shut = own(listeners);
  if (shut.empty() || !limits.someone_left()) {
    on_empty();
    return;
  }
  std::vector<int> sockets;
  for (const SharedListener& listener : shut) {
    shut_out_newcomers(*listener);
    std::ranges::copy(listener->sockets(), std::back_inserter(sockets));
  }
  wait_ = std::make_unique<AcceptQueueWait>(loop_, std::move(sockets), std::move(limits),
                                            [this, on_empty = std::move(on_empty)] {
                                              const auto keep_alive = std::move(wait_);
                                              on_empty();
                                            });
}

void PoolListeners::hurry() {
  if (wait_) wait_->finish();
}

ListenerSet PoolListeners::own(ListenerSet listeners) const {
  std::erase_if(listeners, [this](const SharedListener& listener) {
    return !listener->is_open() || listener->adopted() || used_elsewhere_(*listener);
  });
  return listeners;
}

}  // namespace reeve::supervisor
