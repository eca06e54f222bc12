// Programs that never heard of Reeve, asked from outside whether they are ready and well.

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "tests/e2e/harness/http_client.hpp"
#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// So many ports in a row that nobody has just now.
int free_ports(int count) {
  for (int first = 20'000 + static_cast<int>(::getpid() % 5'000); first < 60'000; first += count) {
    bool all_free = true;
    for (int port = first; port < first + count; ++port) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      address.sin_port = htons(static_cast<std::uint16_t>(port));
      all_free =
          all_free && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
      ::close(fd);
    }
    if (all_free) return first;
  }
  return 0;
}

/// Answers with the status that the file has, if it is there.
constexpr std::string_view kServer = R"(#!/usr/bin/python3
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            status = int(open("@dir@/status").read())
        except OSError:
            status = 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(os.environ["REEVE_SLOT"].encode())
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
)";

class Probes : public ReeveTest {
 protected:
  Reeve& serve(std::string_view rules, int workers = 1) {
    (void)dir.write_program("server", expand(kServer, dir));
    return start(pool("app", R"(["@dir@/server", "${port}"])",
                      fmt::format("port = {}\nworkers = {}\nstart_timeout = \"20s\"\n{}", port_,
                                  workers, rules)));
  }
  void answer_with(int status) { std::ofstream(dir / "status") << status << std::flush; }

  /// The one that asks, not the one that looks users up, which nothing here needs.
  static pid_t helper_of(Reeve& reeve) {
    for (const ProcessInfo& each : descendants(reeve.master().pid())) {
      std::ifstream file(fmt::format("/proc/{}/comm", each.pid));
      const std::string name{std::istreambuf_iterator<char>(file), {}};
      if (each.state != 'Z' && name == "reeve: helper\n") return each.pid;
    }
    return 0;
  }

  const int port_ = free_ports(2);
};

TEST_F(Probes, EachIsReadyOnceItsOwnPortAnswers) {
  Reeve& reeve = serve("ready = { http = \"/healthz\" }\n", 2);
  ASSERT_TRUE(reeve.logs("app:0: STARTING → RUNNING"));
  ASSERT_TRUE(reeve.logs("app:1: STARTING → RUNNING"));
  for (const int slot : {0, 1}) {
    const Answer answer = get(static_cast<std::uint16_t>(port_ + slot), "/");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, fmt::format("app:{}", slot));
  }
  const Finished restart = reeve.ctl({"restart", "app"});
  EXPECT_EQ(restart.code(), 0) << restart.output << restart.errors;
  const Answer answer = get(static_cast<std::uint16_t>(port_), "/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, "app:0");
  EXPECT_EQ(reeve.stop(), Exit{.code = 0});
}

TEST_F(Probes, OneThatIsNotReadyInTimeSaysWhatCameInstead) {
  answer_with(503);
  (void)dir.write_program("server", expand(kServer, dir));
  Reeve& reeve = start(pool("app", R"(["@dir@/server", "${port}"])",
                            fmt::format("port = {}\nstart_timeout = \"4s\"\n"
                                        "ready = {{ http = \"/healthz\" }}\n",
                                        port_)));
  EXPECT_TRUE(reeve.logs(fmt::format(
      "killed: no 200 from http://127.0.0.1:{}/healthz within 4 s; last: status 503", port_)));
}

TEST_F(Probes, OneThatIsNotWellIsReplacedWithAReport) {
  Reeve& reeve = serve(
      "ready = { tcp = \"${port}\" }\n"
      "health = { http = \"/healthz\", interval = \"20ms\", failures = 3 }\n");
  ASSERT_TRUE(reeve.logs("app: STARTING → RUNNING"));
  const int first = reeve.pid("app:0");
  answer_with(500);
  const std::string why = fmt::format(
      "no 200 from http://127.0.0.1:{}/healthz, 3 times in a row; last: status 500", port_);
  ASSERT_TRUE(reeve.logs("killing pid " + std::to_string(first) + " and its group: " + why));
  answer_with(200);
  ASSERT_TRUE(eventually(
      [&] { return reeve.slot("app:0").state == "RUNNING" && reeve.pid("app:0") != first; }));
  EXPECT_THAT(reeve.ctl({"why", "app:0"}).output,
              AllOf(HasSubstr(why), HasSubstr("its first thread")));
}

TEST_F(Probes, AHelperThatEndsOrStandsStillIsNoFailureOfTheProgram) {
  Reeve& reeve = serve(
      "ready = { http = \"/\" }\n"
      "health = { http = \"/\", interval = \"10ms\", timeout = \"100ms\", failures = 1 }\n");
  ASSERT_TRUE(reeve.logs("app: STARTING → RUNNING"));
  const int worker = reeve.pid("app:0");
  for (const int signal : {SIGKILL, SIGSTOP}) {
    ASSERT_TRUE(eventually([&] { return helper_of(reeve) != 0; }));
    const Watch helper(helper_of(reeve));
    helper.signal(signal);
    EXPECT_TRUE(helper.ended_within(kPatience)) << "one that does not answer is replaced";
  }
  ASSERT_TRUE(eventually([&] { return helper_of(reeve) != 0; }));
  EXPECT_EQ(reeve.pid("app:0"), worker);
  answer_with(500);
  EXPECT_TRUE(reeve.logs("1 time in a row; last: status 500")) << "the new one asks on";
}

TEST_F(Probes, AreAskedByTheNextMasterToo) {
  Reeve& reeve = serve(
      "ready = { http = \"/\" }\n"
      "health = { command = [\"/usr/bin/test\", \"!\", \"-e\", \"@dir@/status\"], "
      "interval = \"20ms\", failures = 2 }\n");
  ASSERT_TRUE(reeve.logs("app: STARTING → RUNNING"));
  const int worker = reeve.pid("app:0");
  const Finished upgrade = reeve.ctl({"upgrade"});
  ASSERT_EQ(upgrade.code(), 0) << upgrade.output << upgrade.errors;
  EXPECT_EQ(reeve.pid("app:0"), worker);
  answer_with(200);
  EXPECT_TRUE(
      reeve.logs("no exit code 0 from \"/usr/bin/test\", 2 times in a row; last: exited "
                 "with code 1"));
}

}  // namespace
}  // namespace reeve::e2e
