// The recipes of supervisor/docs/programs.md: programs of others, as their authors left them,
// rolled under load, once each, or REEVE_ROLLS times. Each is skipped where its program is not
// installed.

#include "tests/e2e/harness/programs.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/base/text.hpp"
#include "ipc/listener.hpp"
#include "tests/e2e/harness/load.hpp"
#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/shipped_config.hpp"
#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

using Replacements = std::vector<std::pair<std::string, std::string>>;

std::string replaced(std::string text, const Replacements& replacements) {
  for (const auto& [from, to] : replacements) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

class Programs : public ReeveTest {
 protected:
  struct Clients {
    int per_request = 2;
    int keep_alive = 2;
  };

  /// A master that serves one of configs/ on a listener of its own.
  Reeve& serve(const std::string& file) { return start_ready(shipped_config(file, "127.0.0.1:0")); }
  /// The master and nginx each name the addresses, and php-fpm, too.
  [[nodiscard]] Replacements own_addresses(const std::vector<std::string>& addresses) const {
    Replacements replacements;
    for (const std::string& address : addresses) {
      replacements.emplace_back(address, fmt::format("127.0.0.1:{}", free_port()));
    }
    return replacements;
  }
  /// A free port whose next one is free, too; below those that the kernel gives to clients.
  static std::uint16_t two_free_ports() {
    const auto is_free = [](int port) {
      return ipc::open_listener(*ipc::parse_address(fmt::format("127.0.0.1:{}", port)), 1)
          .has_value();
    };
    int port = 20000 + 2 * (::getpid() % 5000);
    while (!is_free(port) || !is_free(port + 1)) port += 2;
    return static_cast<std::uint16_t>(port);
  }
  /// One of configs/programs, in the test's directory.
  void copy_program(const std::string& name, const Replacements& replacements) const {
    dir.write(name, replaced(read_file(sources() / "configs/programs" / name), replacements));
  }
  /// nginx below the test's directory, and what it says of its paths.
  Reeve& serve_by_nginx(const std::string& file, const Replacements& own) {
    const std::string text =
        replaced(shipped_config("programs/" + file, ""),
                 {{"\"../configs/programs/", "\""}, {"\"build/", "\"" + (dir / "").string()}});
    return start_ready(replaced(text, own));
  }

  static int rolls() {
    const char* asked = std::getenv("REEVE_ROLLS");  // NOLINT(concurrency-mt-unsafe): one thread.
    return asked == nullptr ? 1 : ipc::parse_number<int>(asked).value_or(1);
  }
  static void roll(const Reeve& reeve, const std::string& pool) {
    const Finished verdict = reeve.ctl({"restart", pool});
    ASSERT_EQ(verdict.code(), 0) << verdict.output << verdict.errors;
  }
  /// A line for `./dev prove`.
  static void tell(std::uint64_t requests, std::uint64_t lost) {
    fmt::print("recipe {}: {} rolls, {} requests, {} lost\n",
               ::testing::UnitTest::GetInstance()->current_test_info()->name(), rolls(), requests,
               lost);
  }
  /// Rolls while clients use what serves; nothing may be lost.
  static void roll_under_load(const Reeve& reeve, Clients clients, const std::string& pool = "web",
                              std::uint16_t port = 0) {
    Load load({.port = port != 0 ? port : reeve.port_in_log(),
               .per_request = clients.per_request,
               .keep_alive = clients.keep_alive});
    ASSERT_TRUE(load.goes_on());
    for (int i = 0; i < rolls(); ++i) {
      roll(reeve, pool);
      ASSERT_TRUE(load.goes_on());
    }
    const LoadReport report = load.stop();
    EXPECT_EQ(report.lost_in_all(), 0U) << ::testing::PrintToString(report);
    tell(report.answered + report.lost_in_all(), report.lost_in_all());
  }
  static std::uint16_t port_in(const std::string& address) {
    return ipc::parse_number<std::uint16_t>(address.substr(address.rfind(':') + 1)).value_or(0);
  }
  [[nodiscard]] bool python_has(const std::string& modules) const {
    return run({.argv = {"/usr/bin/python3", "-c", "import " + modules}}, dir, "import").code() ==
           0;
  }
};

/// Idle keep-alive connections are closed by it when it ends, whether a request is on its way or
/// not: see the recipe.
TEST_F(Programs, UvicornRollsUnderLoad) {
  if (!python_has("uvicorn, fastapi")) {
    GTEST_SKIP() << "packages uvicorn and python3-fastapi are not installed";
  }
  Reeve& reeve = serve("fastapi.toml");
  roll_under_load(reeve, {.per_request = 4, .keep_alive = 0}, "api");
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Programs, GunicornRollsUnderLoad) {
  if (::access("/usr/bin/gunicorn", X_OK) != 0) GTEST_SKIP() << "package gunicorn is not installed";
  Reeve& reeve = serve("programs/gunicorn.toml");
  roll_under_load(reeve, {});
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Programs, NodeRollsUnderLoad) {
  if (::access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "package nodejs is not installed";
  Reeve& reeve = serve("programs/node.toml");
  roll_under_load(reeve, {});
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

/// As with uvicorn: without keep-alive.
TEST_F(Programs, NginxRollsUnderLoad) {
  if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "package nginx is not installed";
  const Replacements own = own_addresses({"127.0.0.1:8006"});
  copy_program("nginx.conf", own);
  Reeve& reeve = serve_by_nginx("nginx.toml", own);
  roll_under_load(reeve, {.per_request = 4, .keep_alive = 0}, "web", port_in(own[0].second));
  EXPECT_THAT(reeve.log(), HasSubstr("using inherited sockets from \"3;\""));
  EXPECT_TRUE(reeve.logs("signal 3 (SIGQUIT) received"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

/// Its listener is its own, and stays open while it changes its worker.
TEST_F(Programs, NginxWithAMasterOfItsOwnReloadsUnderLoad) {
  if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "package nginx is not installed";
  const Replacements own = own_addresses({"127.0.0.1:8006"});
  copy_program("nginx.conf", own);
  Reeve& reeve = start_ready(pool(
      "web",
      R"(["/usr/sbin/nginx", "-p", "@dir@/", "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"])",
      "ready = { log = \"start worker process \\\\d\" }\nstop = \"QUIT\"\nreload = { signal = "
      "\"HUP\" }"));
  const int master = reeve.pid("web:0");
  roll_under_load(reeve, {.per_request = 4, .keep_alive = 0}, "web", port_in(own[0].second));
  EXPECT_EQ(reeve.pid("web:0"), master);
  EXPECT_TRUE(reeve.logs("signal 1 (SIGHUP) received"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

/// Behind nginx, which asks it on a connection for each request.
TEST_F(Programs, PhpFpmRollsUnderLoad) {
  std::string php;
  for (const auto& each : fs::directory_iterator("/usr/sbin")) {
    if (each.path().filename().string().starts_with("php-fpm")) php = each.path();
  }
  if (php.empty()) GTEST_SKIP() << "package php-fpm is not installed";
  if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "package nginx is not installed";
  Replacements own = own_addresses({"127.0.0.1:8007", "127.0.0.1:9007"});
  own.emplace_back("@sources@/configs/programs/", (dir / "").string());
  own.emplace_back("configs/programs/", (dir / "").string());
  own.emplace_back("/usr/sbin/php-fpm8.2", php);
  for (const char* file : {"php-fpm.conf", "fastcgi.conf", "hello.php"}) copy_program(file, own);
  fs::permissions(dir.path(), fs::perms(0755));  // For www-data, as whom root lets it run.
  Reeve& reeve = serve_by_nginx("php-fpm.toml", own);
  const std::uint16_t port = port_in(own[0].second);
  const Answer answer = judge(get(port, "/"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "Hello from PHP\n");
  roll_under_load(reeve, {.per_request = 2, .keep_alive = 2}, "php", port);
  EXPECT_THAT(reeve.log(), HasSubstr("using inherited socket fd=3"));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

/// One of two is down at a time, and nginx asks the other.
TEST_F(Programs, NodeOnPortsOfItsOwnRollsUnderLoad) {
  if (::access("/usr/bin/node", X_OK) != 0) GTEST_SKIP() << "package nodejs is not installed";
  if (::access("/usr/sbin/nginx", X_OK) != 0) GTEST_SKIP() << "package nginx is not installed";
  Replacements own = own_addresses({"127.0.0.1:8008"});
  const std::uint16_t first = two_free_ports();
  for (const int i : {0, 1}) {
    own.emplace_back(fmt::format("127.0.0.1:900{}", 8 + i), fmt::format("127.0.0.1:{}", first + i));
  }
  own.emplace_back("= 9008 ", fmt::format("= {} ", first));
  copy_program("proxy.conf", own);
  Reeve& reeve = serve_by_nginx("ports.toml", own);
  roll_under_load(reeve, {}, "app", port_in(own[0].second));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

constexpr std::string_view kProducer = R"(import os, sys, time
from tasks import greet
number = 0
while not os.path.exists("@dir@/enough"):
    greet.delay(number)
    number += 1
    time.sleep(0.04)
print(number)
)";

/// Each task that was queued is done.
TEST_F(Programs, CeleryRollsUnderLoad) {
  if (!python_has("celery, sqlalchemy")) {
    GTEST_SKIP() << "packages python3-celery and python3-sqlalchemy are not installed";
  }
  const std::string done = dir / "done";
  const Environment env = {
      {"GREETED", done}, {"QUEUE", dir / "queue.sqlite"}, {"PYTHONDONTWRITEBYTECODE", "1"}};
  Reeve& reeve = start_ready(replaced(shipped_config("programs/celery.toml"),
                                      {{"\"configs/programs\"", "\"@sources@/configs/programs\""}}),
                             env);
  Process producer({.argv = {"/usr/bin/python3", "-c", expand(kProducer, dir)},
                    .env = env,
                    .directory = sources() / "configs/programs"},
                   dir, "producer");
  const auto tasks_done = [&] {
    std::set<std::string> numbers;
    std::istringstream text(read_file(done));
    for (std::string line; std::getline(text, line);) numbers.insert(line);
    return numbers;
  };
  const auto goes_on = [&] {
    const std::size_t goal = tasks_done().size() + 10;
    return eventually([&] { return tasks_done().size() >= goal; }, 2 * kPatience);
  };
  ASSERT_TRUE(goes_on()) << producer.errors();
  for (int i = 0; i < rolls(); ++i) {
    roll(reeve, "jobs");
    ASSERT_TRUE(goes_on());
  }
  dir.write("enough", "");
  ASSERT_EQ(producer.wait(), Exit{.code = 0}) << producer.errors();
  const auto queued = static_cast<std::size_t>(std::stoul(producer.output()));
  EXPECT_TRUE(eventually([&] { return tasks_done().size() == queued; }, 3 * kPatience));
  tell(queued, queued - tasks_done().size());
  EXPECT_EQ(reeve.stop(3 * kPatience), Exit{.code = 0});
}

TEST_F(Programs, AServiceWaitsForItsMigration) {
  Reeve& reeve = serve("programs/migration.toml");
  EXPECT_EQ(reeve.slot("migrate:0").state, "EXITED");
  const std::string log = reeve.log();
  EXPECT_LT(log.find("migrated"), log.find("web:0: STOPPED → STARTING"));
  roll_under_load(reeve, {});
}

TEST_F(Programs, AScriptThatLoopsEndsInTheMiddleOfItsPause) {
  Reeve& reeve = start_ready(pool(
      "loop", R"(["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1000 & wait $!; done"])",
      "ready = { after = \"0ms\" }"));
  // Between fork and exec the child still has the trap of its parent.
  ASSERT_TRUE(eventually([&] {
    const auto below = descendants(reeve.pid("loop:0"));
    return below.size() == 1 &&
           read_file(fmt::format("/proc/{}/comm", below.front().pid)) == "sleep\n";
  }));
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

}  // namespace
}  // namespace reeve::e2e
