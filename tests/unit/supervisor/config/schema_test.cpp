// The table of keys against the code that it describes, and the pages of supervisor/docs against
// the code.

#include "supervisor/config/schema.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

#include "ipc/control/protocol.hpp"
#include "ipc/version.hpp"
#include "tests/unit/supervisor/config/support.hpp"

namespace reeve::supervisor {
namespace {

using config::DocumentedKey;
using config::Need;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A file of the source tree.
std::string source_text(const std::string& path) {
  std::ifstream file(std::string(REEVE_SOURCE_DIR "/") + path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A default that could stand in a file, as opposed to words about it.
bool is_toml(std::string_view fallback) {
  return !fallback.empty() && std::string_view("\"[{0123456789").contains(fallback.front());
}

/// "pool.NAME.grace" of the table NAME.
std::string named(std::string path) {
  const std::size_t placeholder = path.find("NAME");
  if (placeholder != std::string::npos) path.replace(placeholder, 4, "x");
  return path;
}

constexpr std::string_view kRequired = "listen.x.address = ':1'\npool.x.command = ['true']\n";

TEST(Schema, WrittenDefaultsAreTheRealOnes) {
  const LoadResult bare = parse_config(kRequired, "t.toml");
  for (const DocumentedKey& key : config::documented_keys()) {
    if (!is_toml(key.fallback)) continue;
    const std::string written =
        fmt::format("{}{} = {}\n", kRequired, named(key.path), key.fallback);
    const LoadResult config = parse_config(written, "t.toml");
    ASSERT_THAT(texts_of(config), IsEmpty()) << written;
    EXPECT_EQ(config->supervisor, bare->supervisor) << written;
    EXPECT_EQ(config->listeners, bare->listeners) << written;
    EXPECT_EQ(config->pools, bare->pools) << written;
  }
}

TEST(Schema, EveryKeyIsRead) {
  for (const DocumentedKey& key : config::documented_keys()) {
    const std::string path = named(key.path);
    std::string file = fmt::format("{} = 1979-05-27\n", path);
    if (path != "listen.x.address") file += "listen.x.address = ':1'\n";
    if (path != "pool.x.command") file += "pool.x.command = ['true']\n";
    EXPECT_THAT(errors_of(file), ElementsAre(HasSubstr(path + ": expected "))) << file;
  }
}

TEST(Schema, KeysOfTheDesignAreKnown) {
  // The keys of the design's example, in its order.
  std::vector<std::string> paths;
  for (const DocumentedKey& key : config::documented_keys()) paths.push_back(key.path);
  for (const char* path : {"supervisor.name",          "supervisor.runtime_dir",
                           "supervisor.log.level",     "supervisor.log.format",
                           "supervisor.log.to",        "supervisor.log.max_size",
                           "supervisor.log.keep",      "supervisor.on_fatal",
                           "listen.NAME.address",      "listen.NAME.backlog",
                           "listen.NAME.sockets",      "pool.NAME.command",
                           "pool.NAME.workers",        "pool.NAME.listen",
                           "pool.NAME.ready",          "pool.NAME.grace",
                           "pool.NAME.start_timeout",  "pool.NAME.watchdog",
                           "pool.NAME.restart",        "pool.NAME.backoff.first",
                           "pool.NAME.backoff.max",    "pool.NAME.give_up.failures",
                           "pool.NAME.give_up.within", "pool.NAME.recycle.requests",
                           "pool.NAME.recycle.memory", "pool.NAME.recycle.age",
                           "pool.NAME.recycle.jitter", "pool.NAME.rolling.surge",
                           "pool.NAME.rolling.soak",   "pool.NAME.rolling.max_draining",
                           "pool.NAME.idle_drain",     "pool.NAME.directory",
                           "pool.NAME.user",           "pool.NAME.env",
                           "pool.NAME.env_file",       "pool.NAME.required_env",
                           "pool.NAME.limits",         "pool.NAME.app"}) {
    EXPECT_THAT(paths, ::testing::Contains(path));
  }
}

// The pages

std::string as_row(const DocumentedKey& key) {
  const std::string fallback = key.need == Need::Required ? "required"
                               : is_toml(key.fallback)    ? fmt::format("`{}`", key.fallback)
                                                          : std::string(key.fallback);
  return fmt::format("| `{}` | {} | {} |", key.path, fallback, key.meaning);
}

/// The rows of a page's tables that begin with one of these.
std::vector<std::string> rows_of(const std::string& page,
                                 std::initializer_list<const char*> begins) {
  std::istringstream text(source_text("supervisor/docs/" + page));
  std::vector<std::string> rows;
  for (std::string line; std::getline(text, line);) {
    const auto is_begin = [&](const char* begin) { return line.starts_with(begin); };
    if (std::ranges::any_of(begins, is_begin)) rows.push_back(line);
  }
  return rows;
}

/// What the first group of a pattern matches in a text.
std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  return {std::sregex_token_iterator(text.begin(), text.end(), regex, 1),
          std::sregex_token_iterator()};
}

TEST(Docs, ListEveryKeyWithItsDefaultAndMeaning) {
  std::vector<std::string> expected;
  for (const DocumentedKey& key : config::documented_keys()) expected.push_back(as_row(key));
  EXPECT_THAT(
      rows_of("configuration.md", {"| `include`", "| `supervisor.", "| `listen.", "| `pool."}),
      ::testing::ElementsAreArray(expected));
}

TEST(Docs, ListEveryCommandOfReevectl) {
  const std::string page = source_text("supervisor/docs/reevectl.md");
  using ipc::control::Method;
  for (int method = 0; method <= static_cast<int>(Method::Maintail); ++method) {
    std::string name(to_string(static_cast<Method>(method)));
    name.front() = static_cast<char>(std::tolower(name.front()));
    EXPECT_THAT(page, ::testing::ContainsRegex("\n\\| `" + name + "[` ]"));
  }
}

TEST(Docs, NameTheSignalsThatTheMasterHandles) {
  constexpr const char* kSignal = "\\b(SIG[A-Z0-9]+)\\b";
  std::set<std::string> handled = matches(
      source_text("supervisor/system/signals.hpp") + source_text("supervisor/system/signals.cpp"),
      kSignal);
  handled.erase("SIGCHLD");  // Not the user's to send.
  handled.erase("SIGPIPE");
  handled.erase("SIGKILL");  // Nobody can handle these two; their default is not to be restored.
  handled.erase("SIGSTOP");
  std::set<std::string> named;  // In the table of what the master does with them.
  for (const std::string& row : rows_of("reeve.md", {"| `SIG"})) named.merge(matches(row, kSignal));
  EXPECT_EQ(named, handled);
}

TEST(Docs, ListEveryExitCode) {
  const auto [code, row] = std::pair("constexpr int k\\w+ = (\\d+);", "\n\\| (\\d+) \\|");
  EXPECT_EQ(matches(source_text("supervisor/docs/reeve.md"), row),
            matches(source_text("supervisor/system/exit_code.hpp"), code));
  EXPECT_EQ(matches(source_text("supervisor/docs/reevectl.md"), row),
            matches(source_text("supervisor/reevectl/exit_codes.hpp"), code));
}

TEST(Version, IsThatOfTheBuild) {
  EXPECT_THAT(source_text("CMakeLists.txt"),
              HasSubstr(fmt::format("project(reeve VERSION {} ", ipc::kVersion)));
}

}  // namespace
}  // namespace reeve::supervisor
