#include "worker/process/fork_safety.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <latch>
#include <optional>
#include <string>
#include <thread>

#include "ipc/base/unique_fd.hpp"
#include "ipc/listener.hpp"

namespace reeve::worker {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

/// The findings about one descriptor.
std::optional<EarlyDescriptor> found(int fd) {
  for (EarlyDescriptor& one : find_early_things({}).descriptors) {
    if (one.fd == fd) return std::move(one);
  }
  return std::nullopt;
}

TEST(EarlyThings, ASocketIsNamedByWhatItIsAndByItsEnds) {
  const auto listener = ipc::open_listener(*ipc::parse_address("127.0.0.1:0"), 1);
  ASSERT_TRUE(listener);
  const std::string address = ipc::local_address(listener->get());
  EXPECT_EQ(found(listener->get())->what, "TCP listener " + address);
  EXPECT_TRUE(found(listener->get())->listens);
  EXPECT_TRUE(found(listener->get())->closes_on_exec);

  const ipc::UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  ASSERT_EQ(::getsockname(listener->get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  EXPECT_THAT(found(client.get())->what,
              AllOf(HasSubstr("TCP connection 127.0.0.1:"), HasSubstr(" -> " + address)));
  EXPECT_FALSE(found(client.get())->closes_on_exec);
}

TEST(EarlyThings, OfTheRestOnlyWhatAnEventLoopIsMadeOf) {
  const ipc::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  const ipc::UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, 0));
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const ipc::UniqueFd read_end(ends[0]);
  const ipc::UniqueFd write_end(ends[1]);
  EXPECT_EQ(found(epoll.get())->what, "epoll");
  EXPECT_EQ(found(timer.get())->what, "timerfd");
  EXPECT_FALSE(found(read_end.get()));
}

TEST(EarlyThings, WhatIsExpectedIsNotFound) {
  const ipc::UniqueFd epoll(::epoll_create1(0));
  const std::array expected{epoll.get()};
  for (const EarlyDescriptor& one : find_early_things(expected).descriptors) {
    EXPECT_NE(one.fd, epoll.get());
  }
}

TEST(EarlyThings, AThreadIsFoundByItsName) {
  std::latch named(1);
  std::latch looked(1);
  std::thread other([&] {
    ::pthread_setname_np(::pthread_self(), "redis-io");
    named.count_down();
    looked.wait();
  });
  named.wait();
  const EarlyThings things = find_early_things({});
  looked.count_down();
  other.join();
  EXPECT_THAT(things.threads, Contains("redis-io"));
}

TEST(EarlyVerdict, NothingIsFine) {
  EXPECT_THAT(judge({}, true).refusal, IsEmpty());
  EXPECT_THAT(judge({}, true).warning, IsEmpty());
}

TEST(EarlyVerdict, WhatTheProgramMadeIsRefusedByName) {
  const EarlyThings things{
      .threads = {"redis-io", "redis-bg"},
      .descriptors = {{.fd = 7, .what = "TCP connection a -> b", .closes_on_exec = true}}};
  const EarlyVerdict verdict = judge(things, false);
  EXPECT_THAT(verdict.refusal,
              HasSubstr("2 threads (\"redis-io\", \"redis-bg\") and 1 descriptor (fd 7: TCP "
                        "connection a -> b) existed before the lifespan"));
  EXPECT_THAT(verdict.warning, IsEmpty());
}

TEST(EarlyVerdict, WhatAShellLeftOpenIsToleratedButNotWhatCannotComeThroughAMaster) {
  const EarlyThings things{.descriptors = {{.fd = 9, .what = "Unix connection ? -> x"}}};
  EXPECT_THAT(judge(things, false).refusal, IsEmpty());
  EXPECT_THAT(judge(things, false).warning, HasSubstr("fd 9"));
  EXPECT_THAT(judge(things, true).refusal, HasSubstr("fd 9"));
  EXPECT_THAT(judge(things, true).warning, IsEmpty());
}

TEST(EarlyVerdict, AListenerThatSomebodyElseWasMeantToGetIsNoClient) {
  const EarlyThings things{.descriptors = {{.fd = 3, .what = "TCP listener x", .listens = true}}};
  EXPECT_THAT(judge(things, true).refusal, IsEmpty());
  EXPECT_THAT(judge(things, true).warning, HasSubstr("fd 3"));
}

TEST(EarlyVerdict, ManyAreCounted) {
  EarlyThings things;
  things.threads.assign(20, "pool");
  EXPECT_THAT(judge(things, true).refusal, AllOf(HasSubstr("20 threads"), HasSubstr(", ...)")));
}

}  // namespace
}  // namespace reeve::worker
