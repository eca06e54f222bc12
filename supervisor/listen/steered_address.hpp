#pragma once
// One TCP address with one listening socket per worker, and control over which of them get new
// connections.
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
#include "ipc/format/fields.hpp"

namespace reeve::supervisor {

class SteeredAddress {
 public:
  enum class Member : std::uint64_t {};

  struct State {
    struct Socket {
      Member member{};
      int fd = ipc::kNoFd;
      bool enabled = false;
    };
    int anchor_fd = ipc::kNoFd;  ///< bound, not listening: keeps the address without a worker
    ipc::Address address;
    int backlog = 0;
    /// In the kernel's order: one that listens is appended, one that goes is replaced by the last
    /// (reuseport_detach_sock in net/core/sock_reuseport.c). The program picks by that index.
    std::vector<Socket> sockets;
    std::uint64_t next_member = 1;
  };

  /// Reserves the address, without listening: a port in use is an error now. Port 0 is chosen here.
  [[nodiscard]] static ipc::Result<SteeredAddress> reserve(const ipc::Address& address,
                                                           int backlog);
  /// Takes over the descriptors of another master. The kernel keeps its program for as long as the
  /// group has a socket: nothing is to be attached.
  explicit SteeredAddress(State state);
  [[nodiscard]] const State& state() const { return state_; }

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

  [[nodiscard]] const ipc::Address& address() const { return state_.address; }

 private:
  using Socket = State::Socket;

  void set_enabled(Member member, bool enabled);
  void steer() const;
  [[nodiscard]] std::vector<std::uint32_t> chosen() const;

  State state_;
  ipc::UniqueFd anchor_;
  std::vector<ipc::UniqueFd> owned_;  // Those of state_.sockets, in their order.
};
REEVE_FIELDS(SteeredAddress::State::Socket, member, fd, enabled)
REEVE_FIELDS(SteeredAddress::State, anchor_fd, address, backlog, sockets, next_member)

}  // namespace reeve::supervisor
