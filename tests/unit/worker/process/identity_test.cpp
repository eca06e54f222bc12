#include "worker/process/identity.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "ipc/environment.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
namespace environment = ipc::environment;

class IdentityTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {environment::kChannel, environment::kRecorder, environment::kSlot,
                             environment::kGeneration, environment::kGraceMs,
                             environment::kIdleDrainMs, environment::kNotifySocket}) {
      ::unsetenv(name);
    }
  }
  static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
  static void pass(const char* name, int fd) { set(name, std::to_string(::dup(fd))); }
};

TEST_F(IdentityTest, WithoutAMasterItIsAlone) {
  const auto identity = adopt_identity();
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_FALSE(identity->channel);
  EXPECT_EQ(identity->slot, "");
  EXPECT_EQ(identity->grace, 30s);
  EXPECT_EQ(identity->recorder.fd(), -1);
}

TEST_F(IdentityTest, AdoptsWhatTheMasterPassed) {
  auto pair = ipc::Channel::pair();
  const auto recorder = ipc::Recorder::create();
  ASSERT_TRUE(pair && recorder);
  pass(environment::kChannel, pair->second.fd());
  pass(environment::kRecorder, recorder->fd());
  set(environment::kSlot, "web:1");
  set(environment::kGeneration, "7");
  set(environment::kGraceMs, "1500");
  set(environment::kIdleDrainMs, "250");
  const auto identity = adopt_identity();
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_EQ(identity->slot, "web:1");
  EXPECT_EQ(identity->generation, 7U);
  EXPECT_EQ(identity->grace, 1500ms);
  EXPECT_EQ(identity->idle_drain, 250ms);

  ASSERT_TRUE(identity->channel);
  ASSERT_TRUE(identity->channel->send("READY=1"));
  EXPECT_EQ(pair->first.receive().value(), "READY=1");
  EXPECT_NE(::fcntl(identity->channel->fd(), F_GETFD) & FD_CLOEXEC, 0);
  identity->recorder.page().requests = 12;
  EXPECT_EQ(recorder->page().requests.load(), 12U) << "the same memory";
}

TEST_F(IdentityTest, LeavesNoDescriptorVariableToItsChildren) {
  auto pair = ipc::Channel::pair();
  ASSERT_TRUE(pair);
  pass(environment::kChannel, pair->second.fd());
  set(environment::kNotifySocket, "/run/notify");
  const auto identity = adopt_identity();
  ASSERT_TRUE(identity) << identity.error().text;
  EXPECT_EQ(identity->notify_socket, "/run/notify");
  EXPECT_EQ(std::getenv(environment::kChannel), nullptr);
  EXPECT_EQ(std::getenv(environment::kNotifySocket), nullptr);
}

TEST_F(IdentityTest, RefusesVariablesThatLie) {
  set(environment::kGraceMs, "soon");
  EXPECT_THAT(adopt_identity().error().text, HasSubstr("REEVE_GRACE_MS=soon: not a number"));
  set(environment::kGraceMs, "-1");
  EXPECT_FALSE(adopt_identity());
  ::unsetenv(environment::kGraceMs);
  set(environment::kChannel, "987654");
  EXPECT_THAT(adopt_identity().error().text, HasSubstr("REEVE_CHANNEL"));
}

}  // namespace
}  // namespace reeve::worker
