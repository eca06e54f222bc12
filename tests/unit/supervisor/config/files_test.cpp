// Checks that read the machine: the file itself, programs, directories, the environment.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "supervisor/config/program.hpp"
#include "tests/unit/supervisor/config/scoped_variable.hpp"
#include "tests/unit/supervisor/config/support.hpp"
#include "tests/unit/temp_dir.hpp"

namespace reeve::supervisor {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigFiles : public ::testing::Test {
 protected:
  /// Writes a file and returns its path.
  std::string write(const std::string& name, std::string_view text, bool executable = false) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    if (executable) fs::permissions(path, fs::perms::owner_exec, fs::perm_options::add);
    return path;
  }

  static PoolConfig pool(const std::string& program, const std::string& directory = "") {
    PoolConfig pool;
    pool.command = {program};
    pool.directory = directory;
    return pool;
  }

  unit::TempDir directory_;
  const fs::path& root_ = directory_.path();
};

TEST_F(ConfigFiles, LoadsAFile) {
  const std::string path = write("reeve.toml", "[pool.web]\ncommand = ['/bin/true']\n");
  const LoadResult config = load_config(path);
  EXPECT_THAT(texts_of(config), IsEmpty());
}

TEST_F(ConfigFiles, SaysWhyAFileCannotBeRead) {
  const std::string missing = root_ / "missing.toml";
  EXPECT_THAT(texts_of(load_config(missing)),
              ElementsAre(missing + ": cannot open it: No such file or directory"));
  EXPECT_THAT(texts_of(load_config(root_)),
              ElementsAre(root_.string() + ": it is a directory, and not a regular file"));
}

TEST_F(ConfigFiles, RefusesWhatAReadCouldWaitFor) {
  const std::string fifo = root_ / "fifo.toml";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string why = ": it is a pipe, a socket or a device, and not a regular file";
  EXPECT_THAT(texts_of(load_config(fifo)), ElementsAre(fifo + why));
  EXPECT_THAT(texts_of(load_config("/dev/zero")), ElementsAre("/dev/zero" + why));
  const std::string path =
      write("reeve.toml", "[pool.web]\ncommand = ['/bin/true']\nenv_file = '" + fifo + "'\n");
  EXPECT_THAT(texts_of(load_config(path)), ElementsAre(HasSubstr("not a regular file")));
}

TEST_F(ConfigFiles, OfAHugeFileOnlyItsBoundIsRead) {
  const std::string path = write("huge.toml", "");
  fs::resize_file(path, std::uintmax_t{1} << 36);  // Sparse.
  EXPECT_THAT(texts_of(load_config(path)), ElementsAre(HasSubstr("larger than 1048576 bytes")));
}

TEST_F(ConfigFiles, RefusesAFileThatIsNoConfiguration) {
  const std::string path = write("core", std::string((1 << 20) + 1, '#'));
  EXPECT_THAT(texts_of(load_config(path)),
              ElementsAre(path + ": larger than 1048576 bytes; is this the right file?"));
}

TEST_F(ConfigFiles, MissingProgramIsAnErrorOfTheFile) {
  const std::string path = write("reeve.toml", "[pool.web]\ncommand = ['/nowhere/web', 'x']\n");
  EXPECT_THAT(texts_of(load_config(path)),
              ElementsAre(path + ":2:12: pool.web.command: no such program \"/nowhere/web\""));
}

TEST_F(ConfigFiles, MissingDirectoryIsAnErrorOfTheFile) {
  const std::string path =
      write("reeve.toml", "[pool.web]\ncommand = ['./web']\ndirectory = '/nowhere'\n");
  EXPECT_THAT(texts_of(load_config(path)),
              ElementsAre(path + ":3:13: pool.web.directory: no such directory \"/nowhere\""));
}

TEST_F(ConfigFiles, WrongDirectoryTypeIsNotLookedAt) {
  const std::string path =
      write("reeve.toml", "[pool.web]\ncommand = ['/bin/true']\ndirectory = 1\n");
  EXPECT_THAT(
      texts_of(load_config(path)),
      ElementsAre(path + ":3:13: pool.web.directory: expected a string, found the number 1"));
}

TEST_F(ConfigFiles, ProgramIsFoundByItsPath) {
  const std::string path = write("bin/web", "", true);
  EXPECT_EQ(find_program(pool(path)), path);
}

TEST_F(ConfigFiles, RelativeProgramIsFoundFromTheWorkingDirectoryOfThePool) {
  write("bin/web", "", true);
  EXPECT_EQ(find_program(pool("bin/web", root_)), "bin/web");
  EXPECT_EQ(find_program(pool("bin/web")).error(),
            fmt::format("no such program \"bin/web\", seen from {}", fs::current_path().string()));
}

TEST_F(ConfigFiles, BareNameIsSoughtInPath) {
  const std::string path = write("bin/web", "", true);
  write("first/web", "not executable");
  const std::string search = fmt::format("{0}/none::{0}/first:{0}/bin", root_.string());
  const ScopedVariable inherited("PATH", search.c_str());
  EXPECT_EQ(find_program(pool("web")), path);
  EXPECT_EQ(find_program(pool("wbe")).error(),
            fmt::format("no program \"wbe\" in PATH ({})", search));
}

TEST_F(ConfigFiles, PathOfThePoolGoesFirst) {
  const std::string path = write("bin/web", "", true);
  const ScopedVariable inherited("PATH", "/nowhere");
  PoolConfig web = pool("web");
  web.env["PATH"] = root_ / "bin";
  EXPECT_EQ(find_program(web), path);
}

TEST_F(ConfigFiles, SaysWhyAProgramIsNone) {
  const std::string plain = write("plain", "");
  EXPECT_EQ(find_program(pool(plain)).error(),
            fmt::format("\"{}\" is not executable for this user (chmod +x?)", plain));
  EXPECT_EQ(find_program(pool(root_)).error(),
            fmt::format("\"{}\" is not a program but a directory", root_.string()));
  EXPECT_EQ(find_program(pool("/dev/null")).error(),
            "\"/dev/null\" is not a program but a special file");
  EXPECT_THAT(find_program(pool(plain + "/x")).error(), HasSubstr("no such program"));
}

TEST(RuntimeDir, IsTheDefaultUnlessTheFileNamesOne) {
  const ScopedVariable given("RUNTIME_DIRECTORY", "/run/shop:/run/other");
  EXPECT_EQ(parse_config(kPool, "t.toml")->supervisor.runtime_dir, "/run/shop");
}

TEST(RuntimeDir, IsOfTheSystemForRootAndOfTheUserForOthers) {
  const ScopedVariable none("RUNTIME_DIRECTORY", nullptr);
  const ScopedVariable user("XDG_RUNTIME_DIR", "/run/user/7");
  EXPECT_EQ(parse_config(kPool, "t.toml")->supervisor.runtime_dir,
            geteuid() == 0 ? "/run/reeve" : "/run/user/7/reeve");
}

TEST_F(ConfigFiles, IncludesOthersInTheOrderOfTheirNames) {
  const std::string path = write("reeve.toml",
                                 "include = ['conf.d/*.toml', 'more.toml']\n"
                                 "[listen.http]\naddress = ':8000'\n");
  write("conf.d/b.toml", "[pool.b]\ncommand = ['/bin/true']\nlisten = ['http']\n");
  write("conf.d/a.toml", "[pool.a]\ncommand = ['/bin/true']\nenv_file = 'a.env'\n");
  write("conf.d/a.env", "KEY=value\n");
  write("conf.d/ignored.txt", "[pool.no]\n");
  write("more.toml", "[pool.c]\ncommand = ['/bin/true']\nafter = ['a']\n");
  const LoadResult config = load_config(path);
  ASSERT_THAT(texts_of(config), IsEmpty());
  std::vector<std::string> names;
  for (const PoolConfig& pool : config->pools) names.push_back(pool.spec.name);
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
  EXPECT_EQ(config->pools[0].env_from_file.at("KEY"), "value") << "relative to its own file";
}

TEST_F(ConfigFiles, NamesTheIncludedFileThatIsWrong) {
  const std::string path = write("reeve.toml",
                                 "include = ['conf.d/*.toml', 'missing.toml', 'none.d/*']\n"
                                 "[pool.web]\ncommand = ['/bin/true']\n");
  write("conf.d/1.toml", "[pool.a]\ncommand = ['/bin/true']\nworker = 2\n");
  write("conf.d/2.toml", "[pool.web]\ncommand = ['/bin/true']\n[pool.a]\ncommand = ['x']\n");
  write("conf.d/3.toml", "include = ['x.toml']\n[supervisor]\nname = 'x'\n");
  write("conf.d/4.toml", "[pool.z\n");
  ASSERT_EQ(::mkfifo((root_ / "conf.d/5.toml").c_str(), 0600), 0);
  write("conf.d/6.toml", std::string((1 << 20) + 1, '#'));
  const std::string d = root_ / "conf.d/";
  EXPECT_THAT(
      texts_of(load_config(path)),
      ElementsAre(
          d + "2.toml:1:7: pool.web: it is defined already, in " + path + ":2:7; remove one",
          d + "2.toml:3:7: pool.a: it is defined already, in " + d + "1.toml:1:7; remove one",
          d + "3.toml:1:1: include: an included file includes no other; name that file in " + path,
          d + "3.toml:2:2: supervisor: it belongs into " + path, HasSubstr("4.toml:1:"),
          HasSubstr("5.toml: it is a pipe"), HasSubstr("6.toml: larger than"),
          HasSubstr("missing.toml: cannot open it: No such file or directory"),
          HasSubstr("1.toml:3:1: pool.a.worker: unknown key (did you mean \"workers\"?)")));
}

}  // namespace
}  // namespace reeve::supervisor
