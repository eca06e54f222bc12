#include "tests/soak/environment.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "tests/e2e/harness/process_tree.hpp"

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;

constexpr auto kTellEvery = 2s;
constexpr int kMostWorkers = 3;  ///< that a scenario asks for
constexpr int kSurge = 1;        ///< the default
/// For what has to end by itself: drains with streams in them, HUPs in a row.
constexpr Milliseconds kLongPatience = 60s;

e2e::Reeve& made_ready(e2e::Reeve& reeve) {
  if (!reeve.ready()) throw std::runtime_error("the master did not become ready:\n" + reeve.log());
  return reeve;
}

std::size_t descriptors_of(pid_t pid) {
  std::error_code gone;
  const auto all = std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), gone);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// What lives below the master.
int living(pid_t master) {
  return static_cast<int>(std::ranges::count_if(
      e2e::descendants(master), [](const e2e::ProcessInfo& each) { return each.state != 'Z'; }));
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

std::string web_pool(int workers, int max_draining, std::string_view more) {
  return fmt::format(R"([pool.web]
command = ["@probe@"]
workers = {}
listen = ["http"]
rolling = {{ max_draining = {} }}
{}
)",
                     workers, max_draining, more);
}

Environment::Environment(const Options& options, std::string_view toml)
    : options_(options),
      reeve_(dir_, toml),
      clients_(options.mix, made_ready(reeve_).port(), options.seed),
      random_(options.seed) {
  descriptors_ = descriptors_of(reeve_.master().pid());
  fmt::print("seed {}, master {}, port {}\n", options.seed, reeve_.master().pid(), reeve_.port());
  if (!clients_.goes_on(100)) fault("the clients get no answers");
}

void Environment::fault(const std::string& what) {
  ++faults_;
  dir_.keep();
  fmt::print("{:6.1f} s: FAULT: {}\n", seconds_since(started_), what);
  std::fflush(stdout);
}

bool Environment::satisfied() const {
  return ledger().requests() >= options_.requests &&
         seconds_since(started_) >= static_cast<double>(options_.seconds);
}

void Environment::progress(std::string_view doing) {
  const int workers = living(reeve_.master().pid());
  const int allowed = kMostWorkers + kSurge + options_.max_draining;
  if (workers > allowed) fault(fmt::format("{} workers live, of at most {}", workers, allowed));
  if (Clock::now() - told_ < kTellEvery) return;
  told_ = Clock::now();
  fmt::print("{:6.1f} s: {}, {} requests, {} lost, {} workers\n", seconds_since(started_), doing,
             ledger().requests(), ledger().lost_in_all(), workers);
  std::fflush(stdout);
}

void Environment::pause(Milliseconds how_long) {
  ::poll(nullptr, 0, static_cast<int>(how_long.count()));
}

void Environment::pause_up_to(Milliseconds longest) {
  pause(Milliseconds(draw(0, static_cast<int>(longest.count()))));
}

int Environment::draw(int first, int last) {
  return std::uniform_int_distribution(first, last)(random_);
}

bool Environment::expect_soon(const std::function<bool()>& condition, const std::string& what) {
  const bool came = e2e::eventually(condition, kLongPatience);
  if (!came) fault(what);
  return came;
}

int Environment::finish(int workers, const std::function<bool(const LostRequest&)>& excused) {
  clients_.stop();
  check_leftovers(workers);
  const auto exit = reeve_.stop(kLongPatience);
  if (exit != e2e::Exit{.code = 0}) fault("the master did not end with 0 on TERM");

  const auto lost = ledger().losses();
  const auto inexcusable =
      excused ? std::ranges::count_if(lost, [&](const LostRequest& each) { return !excused(each); })
              : std::ssize(lost);
  fmt::print("\n{}longest silence {} ms, {:.0f} s in all\n", ledger().table(),
             ledger().longest_silence().count(), seconds_since(started_));
  if (inexcusable > 0) fault(fmt::format("{} requests lost", inexcusable));
  fmt::print("{}\n", faultless() ? "soak: all held" : "soak: FAILED");
  if (!faultless()) fmt::print("the master's log: {}\n", (dir_ / "reeve.err").string());
  return faultless() ? 0 : 1;
}

void Environment::check_leftovers(int workers) {
  const pid_t master = reeve_.master().pid();
  (void)expect_soon([&] { return reeve_.count("RUNNING") == workers; },
                    fmt::format("not all of {} workers run", workers));
  (void)expect_soon([&] { return living(master) == workers; },
                    fmt::format("{} processes are left of {} workers", living(master), workers));
  const auto reevectl_gone = [&] { return descriptors_of(master) <= descriptors_; };
  if (!e2e::eventually(reevectl_gone)) {
    fault(fmt::format("the master had {} descriptors and has {}", descriptors_,
                      descriptors_of(master)));
  }
}

}  // namespace reeve::soak
