#pragma once
// One TCP address, one listening socket a worker, and a say in which of them new connections go to.
//
// A worker that shares its listener accepts until the moment it handles TERM; a program that then
// closes what it accepted but has not read yet (uvicorn, Node) loses those requests. With a socket
// of its own, a worker first stops getting connections, reads what it has, and only then hears of
// the end. The sockets form a SO_REUSEPORT group; a classic BPF program picks among the enabled
// members at random (socket(7): SO_ATTACH_REUSEPORT_CBPF, since Linux 4.5). TCP only; Unix sockets
// have no such group. Knows no workers and decides nothing: the pool says who is enabled.
// Loop thread.

#include <cstdint>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

class SteeredAddress {
 public:
  enum class Member : std::uint64_t {};

  /// Reserves the address, without listening: a port in use is an error now. Port 0 is chosen here.
  [[nodiscard]] static ipc::Result<SteeredAddress> reserve(const ipc::Address& address,
                                                           int backlog);
  // listeners_handover.cpp: goes on with the group of another master.
  [[nodiscard]] static SteeredAddress adopt(const SteeredHandover& handover);
  [[nodiscard]] SteeredHandover hand_over() const;

  /// A new listening socket, not enabled.
  [[nodiscard]] ipc::Result<Member> add();
  /// The socket to hand to the worker; borrowed.
  [[nodiscard]] int fd(Member member) const;
  /// New connections may go to it, or not. While none is enabled, they go to any, and wait.
  void enable(Member member);
  void disable(Member member);
  /// Closes it, for every process that holds it; what waits in its queue is reset.
  void remove(Member member);
  /// Gives the address up: closes the master's copy of every socket. Workers keep theirs.
  void let_go();

  void set_backlog(int backlog);
  /// Every socket that listens; borrowed.
  [[nodiscard]] std::vector<int> listening() const;

  [[nodiscard]] const ipc::Address& address() const { return address_; }

 private:
  struct Socket {
    Member member;
    ipc::UniqueFd fd;
    bool enabled = false;
  };

  SteeredAddress(ipc::UniqueFd anchor, ipc::Address address, int backlog)
      : anchor_(std::move(anchor)), address_(std::move(address)), backlog_(backlog) {}
  void set_enabled(Member member, bool enabled);
  void steer() const;
  [[nodiscard]] std::vector<std::uint32_t> chosen() const;

  ipc::UniqueFd anchor_;  // Bound, not listening: keeps the address while no worker is there.
  ipc::Address address_;
  int backlog_;
  // In the kernel's order: one that listens is appended, one that goes is replaced by the last
  // (reuseport_detach_sock in net/core/sock_reuseport.c). The program picks by that index.
  std::vector<Socket> sockets_;
  std::uint64_t next_ = 1;
};

}  // namespace reeve::supervisor
