#pragma once
// A worker's own listening socket at a steered address, for as long as the worker lives. It
// outlives a crash: the successor takes the socket over, and with it the connections that
// wait there. Loop thread.

#include <cstdint>
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
  /// A socket that another master has taken, by its number().
  [[nodiscard]] static WorkerSocket adopt(std::shared_ptr<SteeredAddress> address,
                                          std::uint64_t number) {
    return {std::move(address), SteeredAddress::Member{number}};
  }
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
  [[nodiscard]] std::uint64_t number() const { return static_cast<std::uint64_t>(member_); }
  [[nodiscard]] int fd() const { return address_->fd(member_); }
  void enable() { address_->enable(member_); }
  void disable() { address_->disable(member_); }

 private:
  WorkerSocket(std::shared_ptr<SteeredAddress> address, SteeredAddress::Member member)
      : address_(std::move(address)), member_(member) {}

  std::shared_ptr<SteeredAddress> address_;  // Null when moved from.
  SteeredAddress::Member member_{};
};

using WorkerSockets = std::vector<WorkerSocket>;

}  // namespace reeve::supervisor
