// HUPs in quick succession, each with another configuration: the last one must be what runs.

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "tests/soak/environment.hpp"
#include "tests/soak/scenarios.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

constexpr int kBurst = 25;

struct Version {
  int number = 0;
  int workers = kWorkers;
};

/// A new environment rolls the pool; another number of workers scales it.
std::string configuration(const Version& version, int max_draining) {
  return web_pool(version.workers, max_draining,
                  fmt::format("env = {{ SOAK_VERSION = \"{}\" }}", version.number));
}

bool has_version(int pid, int number) {
  const std::string environment = e2e::read_file(fmt::format("/proc/{}/environ", pid));
  using namespace std::string_literals;
  return environment.contains(fmt::format("SOAK_VERSION={}", number) + "\0"s);
}

class Hups {
 public:
  explicit Hups(const Options& options)
      : options_(options), environment_(options, configuration(version_, options.max_draining)) {}

  int run() {
    for (int i = 0; i < kBurst; ++i) {
      hup(Milliseconds(i));
    }
    expect_the_last("after the burst");
    for (int i = 0; i < options_.times || !environment_.satisfied(); ++i) {
      if (i % 50 == 49) break_the_file();
      hup(Milliseconds(environment_.draw(0, 24)));
      environment_.progress(fmt::format("{} of {} HUPs", i + 1, options_.times));
    }
    expect_the_last("after the loop");
    hup_to(kWorkers, 0ms);  // The count that the environment began with: no descriptor too many.
    return environment_.finish(kWorkers);
  }

 private:
  void hup(Milliseconds after) { hup_to(environment_.draw(kWorkers, kWorkers + 1), after); }

  void hup_to(int workers, Milliseconds after) {
    version_ = {version_.number + 1, workers};
    environment_.reeve().configure(configuration(version_, options_.max_draining));
    environment_.reeve().master().signal(SIGHUP);
    environment_.pause(after);
  }

  /// A file with an error changes nothing.
  void break_the_file() {
    environment_.reeve().configure("[pool.web]\ncommand = 5\n");
    environment_.reeve().master().signal(SIGHUP);
    environment_.pause(5ms);
  }

  void expect_the_last(const std::string& when) {
    const auto runs = [this] {
      const auto all = environment_.reeve().status();
      return static_cast<int>(all.size()) == version_.workers &&
             std::ranges::all_of(all, [this](const ipc::control::Process& each) {
               return each.state == "RUNNING" && has_version(each.pid, version_.number);
             });
    };
    (void)environment_.expect_soon(
        runs, fmt::format("{}: the last configuration, version {} with {} workers, "
                          "does not run",
                          when, version_.number, version_.workers));
  }

  const Options& options_;
  Version version_;
  Environment environment_;
};

}  // namespace

int run_hups(const Options& options) { return Hups(options).run(); }

}  // namespace reeve::soak
