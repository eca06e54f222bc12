#include "supervisor/listen/worker_socket.hpp"

namespace reeve::supervisor {

ipc::Result<Seat> Seat::take(std::shared_ptr<SteeredAddress> address) {
  auto member = address->add();
  if (!member) return std::unexpected(member.error());
  return Seat(std::move(address), *member);
}

Seat::~Seat() {
  if (address_ != nullptr) address_->remove(member_);
}

}  // namespace reeve::supervisor
