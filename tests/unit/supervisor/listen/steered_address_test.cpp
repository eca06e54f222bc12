#include "supervisor/listen/steered_address.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <numeric>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/listener.hpp"

namespace reeve::supervisor {
namespace {

using Member = SteeredAddress::Member;

SteeredAddress reserve() {
  auto reserved = SteeredAddress::reserve(ipc::parse_address("127.0.0.1:0").value(), 64);
  EXPECT_TRUE(reserved) << reserved.error().text;
  return std::move(*reserved);
}

/// 0, or the errno of the connect.
int connect_once(const SteeredAddress& address, std::vector<ipc::UniqueFd>& clients) {
  ipc::UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(address.address().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int status = ::connect(client.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  const int code = status == 0 ? 0 : errno;
  clients.push_back(std::move(client));
  return code;
}

int accept_all(int listener) {
  ::fcntl(listener, F_SETFL, O_NONBLOCK);
  int count = 0;
  for (;;) {
    const ipc::UniqueFd accepted(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!accepted) return count;
    ++count;
  }
}

/// How many of 60 new connections each member gets.
std::vector<int> shares(const SteeredAddress& address, const std::vector<Member>& members) {
  std::vector<ipc::UniqueFd> clients;
  for (int i = 0; i < 60; ++i) EXPECT_EQ(connect_once(address, clients), 0);
  std::vector<int> counts;
  counts.reserve(members.size());
  for (const Member member : members) counts.push_back(accept_all(address.fd(member)));
  return counts;
}

TEST(Steering, OnlyEnabledMembersGetConnections) {
  SteeredAddress address = reserve();
  const Member old = address.add().value();
  const Member successor = address.add().value();
  address.enable(old);
  EXPECT_EQ(shares(address, {old, successor}), (std::vector{60, 0}));
  address.enable(successor);
  address.disable(old);
  EXPECT_EQ(shares(address, {old, successor}), (std::vector{0, 60}));
}

TEST(Steering, EnabledMembersShare) {
  SteeredAddress address = reserve();
  const std::vector<Member> members{address.add().value(), address.add().value()};
  for (const Member member : members) address.enable(member);
  const auto counts = shares(address, members);
  EXPECT_GT(counts[0], 0);
  EXPECT_GT(counts[1], 0);
  EXPECT_EQ(counts[0] + counts[1], 60);
}

TEST(Steering, MembersBetweenDisabledOnesShare) {
  SteeredAddress address = reserve();
  std::vector<Member> members;
  for (int i = 0; i < 6; ++i) members.push_back(address.add().value());
  for (const std::size_t i : {1U, 2U, 4U}) address.enable(members[i]);
  const auto counts = shares(address, members);
  EXPECT_EQ(counts[1] + counts[2] + counts[4], 60);
  for (const std::size_t i : {1U, 2U, 4U}) EXPECT_GT(counts[i], 0);
}

/// A classic BPF program has 4096 instructions at most.
TEST(Steering, MembersOfALargeGroupShareToo) {
  constexpr std::size_t kMembers = 2200;
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  if (descriptors.rlim_cur < kMembers + 500) GTEST_SKIP() << "too few descriptors";
  SteeredAddress address = reserve();
  std::vector<Member> members;
  for (std::size_t i = 0; i < kMembers; ++i) {
    members.push_back(address.add().value());
    address.enable(members.back());
  }
  std::vector<int> all(kMembers);
  for (int round = 0; round < 4; ++round) {
    std::ranges::transform(all, shares(address, members), all.begin(), std::plus{});
  }
  EXPECT_GT(std::accumulate(all.end() - 150, all.end(), 0), 0);
  EXPECT_EQ(std::accumulate(all.begin(), all.end(), 0), 240);
}

TEST(Steering, WhileNoneIsEnabledConnectionsWait) {
  SteeredAddress address = reserve();
  const Member booting = address.add().value();
  EXPECT_EQ(shares(address, {booting}), std::vector{60});
}

TEST(Steering, KeepsItsAimWhenTheFirstOfManyGoes) {
  SteeredAddress address = reserve();
  const Member first = address.add().value();
  const Member second = address.add().value();
  const Member third = address.add().value();
  address.enable(second);
  address.remove(first);  // The kernel moves the last one into its place.
  EXPECT_EQ(shares(address, {second, third}), (std::vector{60, 0}));
  address.disable(second);
  address.enable(third);
  EXPECT_EQ(shares(address, {second, third}), (std::vector{0, 60}));
}

TEST(Steering, AMemberHeldElsewhereStillGoes) {
  SteeredAddress address = reserve();
  const Member gone = address.add().value();
  const ipc::UniqueFd stray(::dup(address.fd(gone)));
  const Member stays = address.add().value();
  address.enable(gone);
  address.remove(gone);
  EXPECT_EQ(shares(address, {stays}), std::vector{60});
}

TEST(Steering, WithoutMembersConnectionsAreRefused) {
  SteeredAddress address = reserve();
  std::vector<ipc::UniqueFd> clients;
  EXPECT_EQ(connect_once(address, clients), ECONNREFUSED);
  address.remove(address.add().value());
  EXPECT_EQ(connect_once(address, clients), ECONNREFUSED);
}

TEST(Steering, AnAddressThatWasLetGoCanBeHadAgain) {
  SteeredAddress address = reserve();
  const Member member = address.add().value();
  const ipc::UniqueFd worker(::dup(address.fd(member)));  // Still drains.
  address.let_go();
  EXPECT_TRUE(address.listening().empty());
  EXPECT_EQ(address.fd(member), -1);
  address.remove(member);  // Late, and harmless.
}

TEST(Steering, AReservedPortIsInUseForOthers) {
  const SteeredAddress address = reserve();
  const auto again = SteeredAddress::reserve(address.address(), 64);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, EADDRINUSE);
  EXPECT_FALSE(ipc::open_listener(address.address(), 64));
}

}  // namespace
}  // namespace reeve::supervisor
