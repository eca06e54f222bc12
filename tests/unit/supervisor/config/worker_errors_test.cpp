// The errors of the keys about what a worker gets: variables, user, limits, its own table.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(WorkerErrors, EnvFile) {
  EXPECT_THAT(pool_errors("env_file = ''"),
              ElementsAre("t.toml:3:12: pool.web.env_file: the path is empty; remove it, or name a "
                          "file"));
  EXPECT_THAT(pool_errors("env_file = ['.env']"),
              ElementsAre("t.toml:3:12: pool.web.env_file: expected a string with the path of a "
                          "file, found an array"));
}

TEST(WorkerErrors, RequiredEnv) {
  EXPECT_THAT(pool_errors("required_env = 'HOST'"),
              ElementsAre("t.toml:3:16: pool.web.required_env: expected an array of strings, found "
                          "the string \"HOST\""));
  EXPECT_THAT(pool_errors("required_env = ['HOST', 'A=1', '2']"),
              ElementsAre("t.toml:3:25: pool.web.required_env: \"A=1\" is not a variable name; "
                          "use letters, digits and \"_\"",
                          "t.toml:3:32: pool.web.required_env: \"2\" is not a variable name; use "
                          "letters, digits and \"_\""));
}

TEST(WorkerErrors, User) {
  for (const char* value : {"''", "':g'", "'u:'", "'u:g:x'"}) {
    EXPECT_THAT(pool_errors(fmt::format("user = {}", value)),
                ElementsAre(HasSubstr("t.toml:3:8: pool.web.user: expected a string such as "
                                      "\"shop\" or \"shop:group\", found the string ")))
        << value;
  }
  EXPECT_THAT(pool_errors("user = 1000"),
              ElementsAre("t.toml:3:8: pool.web.user: expected a string such as \"shop\" or "
                          "\"shop:group\", found the number 1000"));
}

TEST(WorkerErrors, Limits) {
  EXPECT_THAT(
      pool_errors("limits = { nofiles = 1, colour = 2 }"),
      ElementsAre(
          "t.toml:3:12: pool.web.limits.nofiles: unknown limit (did you mean \"nofile\"?)",
          "t.toml:3:25: pool.web.limits.colour: unknown limit; known here: memory, as, core, cpu, "
          "data, fsize, memlock, msgqueue, nofile, nproc, rtprio, rttime, sigpending, stack"));
  EXPECT_THAT(
      pool_errors("limits = { nofile = 'unlimited', core = true, cpu = '5s', nproc = -1 }"),
      ElementsAre(
          "t.toml:3:21: pool.web.limits.nofile: expected a whole number from 16 up, found "
          "the string \"unlimited\"",
          "t.toml:3:41: pool.web.limits.core: expected a size such as \"512MiB\", or "
          "\"unlimited\", found true",
          "t.toml:3:53: pool.web.limits.cpu: expected a whole number from 0 up, of seconds, "
          "or \"unlimited\", found the string \"5s\"",
          "t.toml:3:67: pool.web.limits.nproc: expected a whole number from 0 up, or "
          "\"unlimited\", found the number -1"));
  EXPECT_THAT(
      pool_errors("limits = { nofile = 15, stack = '8M', memory = 5 }"),
      ElementsAre("t.toml:3:21: pool.web.limits.nofile: expected a whole number from 16 up, "
                  "found the number 15",
                  "t.toml:3:33: pool.web.limits.stack: expected a size such as \"512MiB\" "
                  "or \"1GB\", found the string \"8M\"",
                  "t.toml:3:48: pool.web.limits.memory: expected a size from 1MiB to "
                  "1024TiB, found the number 5"));
  EXPECT_THAT(
      pool_errors("limits = 5"),
      ElementsAre("t.toml:3:10: pool.web.limits: expected a table such as { nofile = 65536, "
                  "memory = \"512MiB\" }, found the number 5"));
}

TEST(WorkerErrors, App) {
  EXPECT_THAT(pool_errors("app = 'x'"),
              ElementsAre("t.toml:3:7: pool.web.app: expected a table [pool.NAME.app], found the "
                          "string \"x\""));
  const auto nested = [](std::size_t deep) {
    return fmt::format("app = {{ a = {}{} }}", std::string(deep, '['), std::string(deep, ']'));
  };
  EXPECT_THAT(pool_errors(nested(31)), IsEmpty());
  EXPECT_THAT(pool_errors(nested(32)),
              ElementsAre("t.toml:3:7: pool.web.app: nested more than 32 deep; flatten it"));
  EXPECT_THAT(
      pool_errors("app = { a = '" + std::string(64 << 10, 'x') + "' }"),
      ElementsAre("t.toml:3:7: pool.web.app: larger than 65536 bytes; keep the bulk of it in "
                  "a file and name that here"));
}

}  // namespace
}  // namespace reeve::supervisor
