#include "worker/lifespan/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/lifespan/variable_value.hpp"

namespace reeve::worker {
namespace {

using ::testing::HasSubstr;

/// Variables and a file of their own, gone at the end.
class EnvironmentTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const char* name : {"REEVE_TEST_A", "REEVE_TEST_B", "REEVE_TEST_C"}) ::unsetenv(name);
    std::filesystem::remove(path_);
  }
  std::string write(const std::string& text) {
    std::ofstream(path_) << text;
    return path_;
  }
  static std::string value(const char* name) {
    const char* found = std::getenv(name);
    return found != nullptr ? found : "(unset)";
  }
  /// The errors of an environment; empty when there are none.
  std::string mistakes(const Environment& environment) {
    const auto applied = apply(environment, redactor);
    return applied ? "" : applied.error();
  }
  Redactor redactor;
  const std::string path_ =
      ::testing::TempDir() + "reeve_environment_" + std::to_string(::getpid());
};

TEST_F(EnvironmentTest, ProcessWinsOverFileOverDefaults) {
  ::setenv("REEVE_TEST_A", "process", 1);
  const Environment environment{
      .file = write("REEVE_TEST_A=file\nREEVE_TEST_B=file\n"),
      .defaults = {{"REEVE_TEST_B", "default"}, {"REEVE_TEST_C", "default"}},
      .required = {"REEVE_TEST_A", "REEVE_TEST_B", "REEVE_TEST_C"}};
  ASSERT_TRUE(apply(environment, redactor));
  EXPECT_EQ(value("REEVE_TEST_A"), "process");
  EXPECT_EQ(value("REEVE_TEST_B"), "file");
  EXPECT_EQ(value("REEVE_TEST_C"), "default");
}

TEST_F(EnvironmentTest, NamesEveryMissingVariableAtOnce) {
  ::setenv("REEVE_TEST_B", "", 1);
  const auto applied =
      apply({.file = "", .defaults = {}, .required = {"REEVE_TEST_A", "REEVE_TEST_B"}}, redactor);
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "required but not set: REEVE_TEST_A, REEVE_TEST_B");
}

TEST_F(EnvironmentTest, MissingFileIsNoError) {
  EXPECT_TRUE(apply({.file = "/nonexistent/.env", .defaults = {}, .required = {}}, redactor));
}

TEST_F(EnvironmentTest, BadOrUnreadableFileIsNamed) {
  const auto bad = apply({.file = write("nothing\n"), .defaults = {}, .required = {}}, redactor);
  ASSERT_FALSE(bad);
  EXPECT_THAT(bad.error(), HasSubstr(path_ + ": line 1"));
  const auto unreadable = apply({.file = "/", .defaults = {}, .required = {}}, redactor);
  ASSERT_FALSE(unreadable);
  EXPECT_THAT(unreadable.error(), HasSubstr("/: Is a directory"));
}

TEST_F(EnvironmentTest, TellsAllMistakesAtOnceButNoSecret) {
  ::setenv("REEVE_TEST_A", "eighty", 1);
  ::setenv("REEVE_TEST_B", "hunter2", 1);
  EXPECT_EQ(
      mistakes({.file = write("a\n"),
                .required = {"REEVE_TEST_C"},
                .variables = {{.name = "REEVE_TEST_A", .type = VariableType::Port},
                              {.name = "REEVE_TEST_B", .type = VariableType::Whole, .secret = true},
                              {.name = "REEVE_TEST_C", .required = true}}}),
      path_ +
          ": line 1: no '=' after the name; required but not set: REEVE_TEST_C; "
          "REEVE_TEST_A: expected a port from 1 to 65535, found \"eighty\"; "
          "REEVE_TEST_B: expected a whole number, found something else, which is secret");
}

TEST_F(EnvironmentTest, AnEmptyValueIsOneOnlyOfATextOrAList) {
  ::setenv("REEVE_TEST_A", "", 1);
  ::setenv("REEVE_TEST_B", "", 1);
  const Environment environment{
      .variables = {
          {.name = "REEVE_TEST_A", .type = VariableType::Whole, .fallback = "8", .required = true},
          {.name = "REEVE_TEST_B", .type = VariableType::List, .fallback = "a,b"},
          {.name = "REEVE_TEST_C", .type = VariableType::Bool, .fallback = "yes"}}};
  EXPECT_EQ(mistakes(environment), "");
  EXPECT_EQ(value("REEVE_TEST_A"), "8");
  EXPECT_EQ(value("REEVE_TEST_B"), "");
  EXPECT_EQ(value("REEVE_TEST_C"), "yes");
}

TEST_F(EnvironmentTest, SecretsOfTheFileAreLearnt) {
  ASSERT_EQ(mistakes({.file = write("REEVE_TEST_A=hunter2\nREEVE_TEST_B=s3cret\n"),
                      .secrets = {"REEVE_TEST_A"},
                      .variables = {{.name = "REEVE_TEST_B", .secret = true}}}),
            "");
  EXPECT_EQ(redactor.redact("hunter2 and s3cret"), "*** and ***");
}

TEST_F(EnvironmentTest, EnvReadsEachType) {
  const auto set = [](const char* text) { ::setenv("REEVE_TEST_A", text, 1); };
  set("db.example");
  EXPECT_EQ(Env::require("REEVE_TEST_A"), "db.example");
  EXPECT_EQ(Env::require<Secret>("REEVE_TEST_A").reveal(), "db.example");
  set("On");
  EXPECT_TRUE(Env::require<bool>("REEVE_TEST_A"));
  set("-42");
  EXPECT_EQ(Env::require<int>("REEVE_TEST_A"), -42);
  EXPECT_EQ(Env::require<std::int64_t>("REEVE_TEST_A"), -42);
  EXPECT_EQ(Env::require<double>("REEVE_TEST_A"), -42.0);
  set("1m30s");
  EXPECT_EQ(Env::require<std::chrono::milliseconds>("REEVE_TEST_A").count(), 90'000);
  set("2KiB");
  EXPECT_EQ(Env::require<ByteSize>("REEVE_TEST_A"), ByteSize{2048});
  set(" a, b ,,c ");
  EXPECT_THAT(Env::require<std::vector<std::string>>("REEVE_TEST_A"),
              ::testing::ElementsAre("a", "b", "c"));
}

TEST_F(EnvironmentTest, EnvTellsWhatIsMissingFromWhatIsWrong) {
  EXPECT_EQ(Env::get<int>("REEVE_TEST_A"), std::nullopt);
  EXPECT_EQ(Env::get_or("REEVE_TEST_A", 8080), 8080);
  EXPECT_EQ(Env::get_or("REEVE_TEST_A", "here"), "here");
  ::setenv("REEVE_TEST_A", "", 1);
  EXPECT_EQ(Env::get<int>("REEVE_TEST_A"), std::nullopt);
  EXPECT_EQ(Env::get<std::string>("REEVE_TEST_A"), "");
  EXPECT_THAT([] { (void)Env::require<int>("REEVE_TEST_A"); },
              ::testing::ThrowsMessage<ConfigError>(HasSubstr("REEVE_TEST_A: not set")));
  ::setenv("REEVE_TEST_A", "4294967296", 1);
  EXPECT_THAT([] { (void)Env::get<int>("REEVE_TEST_A"); },
              ::testing::ThrowsMessage<ConfigError>(
                  HasSubstr("REEVE_TEST_A: expected a whole number from -2147483648")));
  ::setenv("REEVE_TEST_A", "eighty", 1);
  EXPECT_THAT([] { (void)Env::get_or("REEVE_TEST_A", true); },
              ::testing::ThrowsMessage<ConfigError>(
                  "REEVE_TEST_A: expected true or false, found \"eighty\""));
}

TEST(VariableType, KnowsWhichTextsAreItsValues) {
  using enum VariableType;
  const auto valid = [](VariableType type, std::string_view text) { return is_valid(type, text); };
  EXPECT_TRUE(valid(Port, "65535"));
  for (const auto* text : {"0", "65536", "80 ", "+80", "http"}) EXPECT_FALSE(valid(Port, text));
  for (const auto* text : {"TRUE", "no", "1", "Off"}) EXPECT_TRUE(valid(Bool, text));
  for (const auto* text : {"2", "y", "truee"}) EXPECT_FALSE(valid(Bool, text));
  for (const auto* text : {"nan", "inf", "1e999", "1.5x"}) EXPECT_FALSE(valid(Number, text));
  EXPECT_TRUE(valid(Number, "1.5"));
  EXPECT_FALSE(valid(Duration, "30")) << "of what?";
  EXPECT_FALSE(valid(Bytes, "512 MiB"));
  EXPECT_FALSE(valid(Whole, "1.5"));
}

}  // namespace
}  // namespace reeve::worker
