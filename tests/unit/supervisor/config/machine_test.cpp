// What a configuration says about this machine: users, limits, variables and their files.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "supervisor/config/cores.hpp"
#include "supervisor/config/program.hpp"
#include "tests/unit/supervisor/config/scoped_variable.hpp"
#include "tests/unit/supervisor/config/support.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

std::string own_name() { return getpwuid(geteuid())->pw_name; }

/// A configuration in a directory of its own.
class ConfigMachine : public ::testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text) {
    std::ofstream(root_ / name) << text;
    return root_ / name;
  }
  LoadResult load(std::string_view line) {
    return load_config(
        write("reeve.toml", "[pool.web]\ncommand = ['/bin/true']\n" + std::string(line)));
  }
  /// Without the path of the file, which each begins with.
  std::vector<std::string> errors(std::string_view line) {
    std::vector<std::string> texts = texts_of(load(line));
    for (std::string& text : texts) {
      const std::string path = root_ / "reeve.toml:";
      EXPECT_TRUE(text.starts_with(path)) << text;
      text.erase(0, path.size());
    }
    return texts;
  }
  PoolConfig pool(std::string_view line) {
    const LoadResult config = load(line);
    EXPECT_THAT(texts_of(config), IsEmpty());
    return config ? config->pools.front() : PoolConfig{};
  }

  unit::TempDir directory_;
  const fs::path& root_ = directory_.path();
};

TEST_F(ConfigMachine, EnvFileIsFoundBesideTheConfiguration) {
  write(".env", "export A=\"1 2\"  # a comment\nB=old\nB=new\n");
  const PoolConfig web = pool("env_file = '.env'");
  EXPECT_EQ(web.env_file, root_ / ".env");
  EXPECT_THAT(web.env_from_file, ElementsAre(Pair("A", "1 2"), Pair("B", "new")));
  EXPECT_EQ(pool("env_file = '" + (root_ / ".env").string() + "'").env_file, root_ / ".env");
}

TEST_F(ConfigMachine, EnvFileErrorsNameFileAndLine) {
  const std::string path = write(".env", "A=1\nnothing\n");
  EXPECT_THAT(errors("env_file = '.env'"),
              ElementsAre(fmt::format("3:12: pool.web.env_file: \"{}\": line 2: no '=' after the "
                                      "name",
                                      path)));
  write(".env", "LISTEN_FDS=3\n");
  EXPECT_THAT(errors("env_file = '.env'"),
              ElementsAre(HasSubstr(": LISTEN_FDS: reeve sets this variable itself")));
  EXPECT_THAT(errors("env_file = 'none'"), ElementsAre(HasSubstr("none\": no such file")));
  EXPECT_THAT(errors("env_file = '.'"), ElementsAre(HasSubstr(": not a regular file")));
}

TEST_F(ConfigMachine, EnvFileThatIsAPipeDoesNotBlock) {
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_THAT(errors("env_file = 'pipe'"), ElementsAre(HasSubstr(": not a regular file")));
}

TEST_F(ConfigMachine, RequiredVariablesComeFromThreePlaces) {
  write(".env", "FROM_FILE=1\n");
  const ScopedVariable inherited("FROM_MASTER", "1");
  EXPECT_THAT(errors("env_file = '.env'\nenv = { FROM_ENV = '1' }\n"
                     "required_env = ['FROM_FILE', 'FROM_ENV', 'FROM_MASTER']"),
              IsEmpty());
}

TEST_F(ConfigMachine, AllMissingVariablesAreNamedAtOnce) {
  const ScopedVariable none("REEVE_T_A", nullptr);
  const ScopedVariable empty("REEVE_T_B", "");
  EXPECT_THAT(errors("required_env = ['REEVE_T_A', 'PATH', 'REEVE_T_B']"),
              ElementsAre("3:16: pool.web.required_env: not set: REEVE_T_A, REEVE_T_B; set them in "
                          "env, in env_file or in the environment of reeve"));
  EXPECT_THAT(errors("required_env = ['REEVE_T_A']"),
              ElementsAre(HasSubstr("not set: REEVE_T_A; set it in env")));
}

TEST_F(ConfigMachine, ThatOfTheUserNeedsNoOther) {
  const ScopedVariable none("LOGNAME", nullptr);
  const std::string required = "required_env = ['HOME', 'USER', 'LOGNAME']\n";
  EXPECT_THAT(errors(required), ElementsAre(HasSubstr("LOGNAME")));
  const std::string user = fmt::format("user = '{}'\n", ::geteuid());
  EXPECT_THAT(errors(required + user), Not(Contains(HasSubstr("required_env"))));
  EXPECT_THAT(errors(required + user + "env = { HOME = '' }"),
              Contains(HasSubstr("not set: HOME;")));
}

TEST_F(ConfigMachine, PathOfTheEnvFileFindsTheProgram) {
  write("web", "");
  fs::permissions(root_ / "web", fs::perms::owner_all);
  PoolConfig web;
  web.command = {"web"};
  web.env_from_file["PATH"] = root_;
  EXPECT_EQ(find_program(web), root_ / "web");
}

TEST_F(ConfigMachine, TheOwnerOfAListenerIsLookedUp) {
  const auto listener = [this](std::string_view keys) {
    return load("[listen.a]\naddress = 'unix:/run/a.sock'\n" + std::string(keys));
  };
  const auto config = listener(fmt::format("owner = '{}'\ngroup = '{}'", own_name(), getegid()));
  ASSERT_TRUE(config.has_value()) << texts_of(config).front();
  EXPECT_EQ(config->listeners.front().uid, geteuid());
  EXPECT_EQ(config->listeners.front().gid, getegid());
  EXPECT_EQ(listener("")->listeners.front().uid, std::nullopt);
  EXPECT_THAT(texts_of(listener("group = 'no-such-group'")),
              ElementsAre(HasSubstr("listen.a.group: no group \"no-such-group\" on this machine")));
}

// Scripts

TEST_F(ConfigMachine, ACommandThatIsADirectoryIsNamed) {
  fs::create_directory(root_ / "app");
  PoolConfig web;
  web.command = {root_ / "app"};
  EXPECT_THAT(find_program(web).error(), HasSubstr("app\" is not a program but a directory"));
}

TEST_F(ConfigMachine, AScriptThatCannotBeExecutedSaysWhy) {
  const auto why = [this](std::string_view text) {
    fs::permissions(write("run", text), fs::perms::owner_all);
    PoolConfig web;
    web.command = {root_ / "run"};
    const auto found = find_program(web);
    return found ? "" : found.error();
  };
  EXPECT_EQ(why("#!/bin/sh\n"), "");
  EXPECT_EQ(why("#! /usr/bin/env sh\n"), "");
  EXPECT_EQ(why("#!/usr/bin/env -S sh -e\n"), "");
  EXPECT_THAT(why("#!/bin/sh\r\nexec true\r\n"), HasSubstr("run\" ends with CR LF, as on Windows"));
  EXPECT_THAT(why("#!/opt/none/python9 -u\n"),
              HasSubstr("run\" wants the interpreter \"/opt/none/python9\", which is not there"));
  EXPECT_THAT(why("#!/usr/bin/env python9\n"),
              HasSubstr("wants the interpreter \"python9\", which is not in PATH"));
  EXPECT_THAT(why("exec true\n"), HasSubstr("is a script without \"#!/bin/sh\""));
}

TEST_F(ConfigMachine, TheLogIsNoDevice) {
  const auto errors_of = [this](const std::string& path) {
    return texts_of(
        load_config(write("reeve.toml", "[supervisor]\nlog.to = '" + path +
                                            "'\n[pool.web]\ncommand = ['/bin/true']\n")));
  };
  fs::create_symlink("/dev/stdout", root_ / "app.log");
  for (const std::string path : {"/dev/stdout", "/dev//fd/1", "/proc/self/fd/2"}) {
    EXPECT_THAT(errors_of(path), ElementsAre(HasSubstr("is a device, and no file that can be "
                                                       "rotated; use \"stderr\"")));
  }
  EXPECT_THAT(errors_of(root_ / "app.log"), ElementsAre(HasSubstr("use \"stderr\"")));
  EXPECT_THAT(errors_of(root_ / "other.log"), IsEmpty());
}

// Cores

/// The files of a machine below a directory.
class Quota : public ::testing::Test {
 protected:
  void write(const std::string& file, std::string_view text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  void is_v2(std::string_view own) {
    write("proc/self/mountinfo", "35 30 0:30 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    write("proc/self/cgroup", "0::" + std::string(own) + "\n");
  }

  unit::TempDir directory_;
  const fs::path& root_ = directory_.path();
};

TEST_F(Quota, OfCpuMaxIsRoundedUp) {
  is_v2("/app");
  write("sys/fs/cgroup/app/cpu.max", "150000 100000\n");
  EXPECT_EQ(cores_of_quota(root_), 2);
  write("sys/fs/cgroup/app/cpu.max", "20000 100000\n");
  EXPECT_EQ(cores_of_quota(root_), 1);
  write("sys/fs/cgroup/app/cpu.max", "400000 100000\n");
  EXPECT_EQ(cores_of_quota(root_), 4);
}

TEST_F(Quota, OfACgroupAboveCountsToo) {
  is_v2("/pod/app");
  write("sys/fs/cgroup/pod/cpu.max", "200000 100000\n");
  write("sys/fs/cgroup/pod/app/cpu.max", "max 100000\n");
  EXPECT_EQ(cores_of_quota(root_), 2);
  write("sys/fs/cgroup/pod/app/cpu.max", "800000 100000\n");
  EXPECT_EQ(cores_of_quota(root_), 2);
}

TEST_F(Quota, OfCgroupV1) {
  write("proc/self/mountinfo",
        "16 34 0:33 /docker/a /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
        "20 41 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "4:cpu,cpuacct:/docker/a\n3:cpuset:/docker/a\n0::/b\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "300000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores_of_quota(root_), 3);
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cores_of_quota(root_), std::nullopt);
}

TEST_F(Quota, NoneWhereNothingIsSaid) { EXPECT_EQ(cores_of_quota(root_), std::nullopt); }

TEST(Cores, AreThoseOfTheAffinityMask) {
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof(before), &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
  EXPECT_EQ(available_cores(), 1);
  sched_setaffinity(0, sizeof(before), &before);
}

// User

TEST_F(ConfigMachine, UserHasToExist) {
  EXPECT_THAT(errors("user = 'no-such-user'"),
              ElementsAre("3:8: pool.web.user: no user \"no-such-user\" on this machine"));
  EXPECT_THAT(errors("user = '" + own_name() + ":no-such-group'"),
              ElementsAre("3:8: pool.web.user: no group \"no-such-group\" on this machine"));
  EXPECT_THAT(errors("user = '3999999999'"),
              ElementsAre("3:8: pool.web.user: the user 3999999999 has no name on this machine and "
                          "so no group; name one, as in \"3999999999:3999999999\""));
}

TEST_F(ConfigMachine, RootByAnotherNameIsNotTakenForSomebodyElse) {
  const auto everyone_is_root = [](const std::string&) -> FoundUser { return User{}; };
  const std::string path =
      write("reeve.toml", "[pool.web]\ncommand = ['/bin/true']\nuser = 'shop:www'\n");
  EXPECT_THAT(texts_of(load_config(path, everyone_is_root)),
              ElementsAre(HasSubstr("pool.web.user: \"shop\" is root by another name")));
}

TEST_F(ConfigMachine, WhoAPoolRunsAsIsKept) {
  EXPECT_EQ(pool("user = '" + own_name() + "'").run_as->uid, geteuid());
  EXPECT_FALSE(pool("").run_as);
}

TEST_F(ConfigMachine, OneselfNeedsNoRoot) {
  EXPECT_THAT(errors("user = '" + own_name() + "'"), IsEmpty());
}

TEST_F(ConfigMachine, OnlyRootMayBecomeAnother) {
  if (geteuid() == 0) {
    EXPECT_THAT(errors("user = 'nobody'"), IsEmpty());
  } else {
    EXPECT_THAT(
        errors("user = 'root'"),
        ElementsAre("3:8: pool.web.user: only root can start workers as \"root\"; run reeve "
                    "as root, or remove it"));
  }
}

TEST(FindUser, KnowsNamesNumbersAndGroups) {
  const auto root = find_user("root");
  ASSERT_TRUE(root) << root.error();
  EXPECT_EQ(root->uid, 0u);
  EXPECT_EQ(root->gid, 0u);
  EXPECT_EQ(root->home, "/root");
  EXPECT_THAT(root->groups, Contains(0u));
  EXPECT_EQ(find_user("0"), root);

  const auto nobody = find_user("nobody:root");
  ASSERT_TRUE(nobody) << nobody.error();
  EXPECT_EQ(nobody->name, "nobody");
  EXPECT_EQ(nobody->gid, 0u);

  EXPECT_FALSE(find_user("4294967295:1000")) << "-1: setresuid(2) would leave it root";
  EXPECT_FALSE(find_user("1000:4294967295"));

  const auto number = find_user("3999999999:7");
  ASSERT_TRUE(number) << number.error();
  EXPECT_EQ(*number, (User{.uid = 3999999999, .gid = 7, .groups = {7}, .name = "", .home = ""}));
}

// Limits

TEST_F(ConfigMachine, NoMoreFilesThanTheKernelAllows) {
  EXPECT_THAT(errors("limits = { nofile = 9000000000000000000 }"),
              ElementsAre(::testing::MatchesRegex(
                  "3:21: pool.web.limits.nofile: 9000000000000000000 is more than the [0-9]+ that "
                  "this machine allows \\(sysctl fs.nr_open\\)")));
}

TEST_F(ConfigMachine, LimitsOfOurOwnAreNotExceeded) {
  EXPECT_THAT(errors("limits = { nofile = 16, core = 0, cpu = 1000 }"), IsEmpty());
}

}  // namespace
}  // namespace reeve::supervisor
