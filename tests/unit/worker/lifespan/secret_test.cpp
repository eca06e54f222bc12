#include "reeve/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <utility>

#include "worker/lifespan/redactor.hpp"

namespace reeve {
namespace {

TEST(Secret, IsShownByNothingButReveal) {
  const Secret secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(fmt::format("{}", secret), "***");
  EXPECT_EQ(::testing::PrintToString(secret), "***");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Secret, IsEqualToTheSameTextOnly) {
  EXPECT_EQ(Secret("hunter2"), Secret("hunter2"));
  EXPECT_NE(Secret("hunter2"), Secret("hunter3"));
  EXPECT_NE(Secret("hunter2"), Secret("hunter22"));
  EXPECT_TRUE(Secret("hunter2").equals("hunter2"));
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, LeavesNothingWhereItWasMovedFrom) {
  Secret one("hunter2");  // Short enough to live within the object.
  const char* const was_at = one.reveal().data();
  const Secret other = std::move(one);
  EXPECT_EQ(other.reveal(), "hunter2");
  EXPECT_EQ(std::string(was_at, 7), std::string(7, '\0'));  // NOLINT(bugprone-use-after-move)
}

TEST(Secret, LeavesNothingInTheTextThatItWasMadeOf) {
  std::string text = "hunter2";
  const char* const was_at = text.data();
  const Secret secret(std::move(text));
  EXPECT_EQ(secret.reveal(), "hunter2");
  EXPECT_EQ(std::string(was_at, 7), std::string(7, '\0'));
}

TEST(Secret, LeavesNothingOfALongerOneWhenAssigned) {
  Secret one("hunter2hunter");
  const char* const was_at = one.reveal().data();
  one = Secret("a");
  EXPECT_EQ(one.reveal(), "a");
  EXPECT_EQ(std::string(was_at + 2, 11), std::string(11, '\0'));
}

TEST(Redactor, HidesEachSecretWhereverItStands) {
  worker::Redactor redactor;
  EXPECT_EQ(redactor.redact("hunter2"), "hunter2");
  redactor.hide("hunter2");
  redactor.hide("hunter2-and-more");
  EXPECT_EQ(redactor.redact("hunter2hunter2-and-more, hunter"), "******, hunter");
}

TEST(Redactor, HidesThePasswordOfAUrlAlsoAlone) {
  worker::Redactor redactor;
  redactor.hide("postgres://shop:p@ss:word@db/shop?x=a@b");
  EXPECT_EQ(redactor.redact("auth of p@ss:word failed"), "auth of *** failed");
  EXPECT_EQ(redactor.redact("at postgres://shop:p@ss:word@db/shop?x=a@b."), "at ***.");
  EXPECT_EQ(redactor.redact("shop"), "shop");
}

TEST(Redactor, HidesTheLinesOfALongerOne) {
  worker::Redactor redactor;
  redactor.hide("-----BEGIN-----\nMIIEvQ\n-----END-----");
  EXPECT_EQ(redactor.redact("no key: MIIEvQ"), "no key: ***");
  EXPECT_EQ(redactor.redact("-----END-----"), "***");
}

TEST(Redactor, LeavesWhatIsTooShortToBeTold) {
  worker::Redactor redactor;
  redactor.hide("on");
  redactor.hide("");
  EXPECT_EQ(redactor.redact("connection"), "connection");
}

}  // namespace
}  // namespace reeve
