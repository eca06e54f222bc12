#include "supervisor/listen/worker_socket.hpp"

namespace reeve::supervisor {

ipc::Result<WorkerSocket> WorkerSocket::take(std::shared_ptr<SteeredAddress> address) {
  auto member = address->add();
  if (!member) return std::unexpected(member.error());
  return WorkerSocket(std::move(address), *member);
}

WorkerSocket::~WorkerSocket() {
  if (address_ != nullptr) address_->remove(member_);
}

}  // namespace reeve::supervisor
