#include "supervisor/listen/steered_address.hpp"

#include <linux/filter.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "ipc/listener.hpp"

namespace reeve::supervisor {
namespace {

/// return indexes[random() % indexes.size()]
///
/// Neighbours, as nearly all of them are, share three instructions: a program may have 4096 only,
/// and an address more sockets than half of that.
std::vector<sock_filter> pick_one_of(const std::vector<std::uint32_t>& indexes) {
  const auto count = static_cast<std::uint32_t>(indexes.size());
  std::vector<sock_filter> program;
  program.push_back(
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)));
  program.push_back(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count));
  for (std::uint32_t begin = 0, end = 0; begin < count; begin = end) {
    const std::uint32_t distance = indexes[begin] - begin;
    while (end < count && indexes[end] - end == distance) ++end;
    if (end < count) program.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, end, 2, 0));
    program.push_back(BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, distance));
    program.push_back(BPF_STMT(BPF_RET | BPF_A, 0));
  }
  return program;
}

}  // namespace

ipc::Result<SteeredAddress> SteeredAddress::reserve(const ipc::Address& address, int backlog) {
  auto anchor = ipc::reserve_address(address);
  if (!anchor) return std::unexpected(anchor.error());
  auto bound = ipc::parse_address(ipc::local_address(anchor->get()));
  if (!bound) return std::unexpected(bound.error());
  return SteeredAddress(State{.anchor_fd = anchor->release(),
                              .address = std::move(*bound),
                              .backlog = backlog,
                              .sockets = {}});
}

SteeredAddress::SteeredAddress(State state) : state_(std::move(state)), anchor_(state_.anchor_fd) {
  for (const Socket& socket : state_.sockets) owned_.emplace_back(socket.fd);
}

ipc::Result<SteeredAddress::Member> SteeredAddress::add() {
  auto fd = ipc::open_listener(state_.address, state_.backlog, ipc::PortSharing::Group);
  if (!fd) return std::unexpected(fd.error());
  ipc::let_accept_wait(fd->get());
  const Member member{state_.next_member++};
  state_.sockets.push_back({.member = member, .fd = fd->get()});
  owned_.push_back(std::move(*fd));
  steer();
  return member;
}

int SteeredAddress::fd(Member member) const {
  const auto found = std::ranges::find(state_.sockets, member, &Socket::member);
  return found == state_.sockets.end() ? ipc::kNoFd : found->fd;
}

void SteeredAddress::enable(Member member) { set_enabled(member, true); }
void SteeredAddress::disable(Member member) { set_enabled(member, false); }

void SteeredAddress::set_enabled(Member member, bool enabled) {
  const auto found = std::ranges::find(state_.sockets, member, &Socket::member);
  if (found == state_.sockets.end() || found->enabled == enabled) return;
  found->enabled = enabled;
  steer();
}

void SteeredAddress::remove(Member member) {
  const auto found = std::ranges::find(state_.sockets, member, &Socket::member);
  if (found == state_.sockets.end()) return;
  // A stray process may still hold the socket; shutdown takes it out of the group all the same.
  ::shutdown(found->fd, SHUT_RDWR);
  const auto place = static_cast<std::size_t>(found - state_.sockets.begin());
  std::swap(*found, state_.sockets.back());
  std::swap(owned_[place], owned_.back());
  state_.sockets.pop_back();
  owned_.pop_back();
  steer();
}

void SteeredAddress::let_go() {
  state_.sockets.clear();
  owned_.clear();
  anchor_.reset();
}

void SteeredAddress::set_backlog(int backlog) {
  state_.backlog = backlog;
  for (const Socket& socket : state_.sockets) ::listen(socket.fd, backlog);
}

std::vector<int> SteeredAddress::listening() const {
  std::vector<int> fds;
  fds.reserve(state_.sockets.size());
  for (const Socket& socket : state_.sockets) fds.push_back(socket.fd);
  return fds;
}

std::vector<std::uint32_t> SteeredAddress::chosen() const {
  const bool none = std::ranges::none_of(state_.sockets, &Socket::enabled);
  std::vector<std::uint32_t> indexes;
  for (std::uint32_t i = 0; i < state_.sockets.size(); ++i) {
    if (none || state_.sockets[i].enabled) indexes.push_back(i);
  }
  return indexes;
}

void SteeredAddress::steer() const {
  if (state_.sockets.empty()) return;
  std::vector<sock_filter> program = pick_one_of(chosen());
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  // Only a want of memory makes it fail; then the kernel picks as it did before.
  (void)::setsockopt(state_.sockets.front().fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached,
                     sizeof(attached));
}

}  // namespace reeve::supervisor
