#pragma once
// A worker's own listening socket at a steered address, for as long as the worker lives. It
// outlives a crash: the successor takes the socket over, and with it the connections that
// wait there. Loop thread.

#include <compare>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "ipc/base/error.hpp"
#include "supervisor/listen/steered_address.hpp"

namespace reeve::supervisor {

class WorkerSocket {
 public:
  /// A new socket at the address. New connections do not go to it yet.
  [[nodiscard]] static ipc::Result<WorkerSocket> take(std::shared_ptr<SteeredAddress> address) {
    const auto member = address->add();
    if (!member) return std::unexpected(member.error());
    return WorkerSocket(std::move(address), *member);
  }
  /// Which socket of which listener, an index into the list that is handed over.
  struct State {
    std::size_t listener = 0;
    SteeredAddress::Member member{};
    auto operator<=>(const State&) const = default;
  };
  /// One that another master has taken at this address, which is that of state.listener.
  WorkerSocket(std::shared_ptr<SteeredAddress> address, const State& state)
      : WorkerSocket(std::move(address), state.member) {}
  WorkerSocket(WorkerSocket&& other) noexcept = default;
  WorkerSocket& operator=(WorkerSocket&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(member_, other.member_);
    return *this;
  }
  WorkerSocket(const WorkerSocket&) = delete;
  WorkerSocket& operator=(const WorkerSocket&) = delete;
  ~WorkerSocket() {
    if (address_ != nullptr) address_->remove(member_);
  }

  [[nodiscard]] bool is_at(const std::shared_ptr<SteeredAddress>& address) const {
    return address_ == address;
  }
  [[nodiscard]] SteeredAddress::Member member() const { return member_; }
  [[nodiscard]] int fd() const { return address_->fd(member_); }
  void enable() { address_->enable(member_); }
  void disable() { address_->disable(member_); }

 private:
  WorkerSocket(std::shared_ptr<SteeredAddress> address, SteeredAddress::Member member)
      : address_(std::move(address)), member_(member) {}

  std::shared_ptr<SteeredAddress> address_;  // Null when moved from.
  SteeredAddress::Member member_{};
};
REEVE_FIELDS(WorkerSocket::State, listener, member)

using WorkerSockets = std::vector<WorkerSocket>;

}  // namespace reeve::supervisor
