// 1,000 random lifespans on a real loop: trees of resources, nested, concurrent, optional, with
// failures, deadlines, functions on threads, and a stop at any moment. Whatever happens, what was
// opened is closed once, and the teardown closes in exactly the reverse of the order of opening.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "reeve/combine.hpp"
#include "reeve/lifespan.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/lifespan/runner.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;

/// A value that knows how many of its kind there are.
struct Value {
  explicit Value(int& count) : alive(&count) { ++*alive; }
  ~Value() { --*alive; }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  int* alive;
};

class RandomLifespan {
 public:
  explicit RandomLifespan(std::uint32_t seed) : random_(seed) {
    const int parts = roll(1, 4);
    for (int i = 0; i < parts; ++i) {
      lifespan_.compose([this](Scope& scope) { return open_some(scope, 0); });
    }
  }

  /// Opens, perhaps is stopped, closes; then says what went wrong, or nothing.
  std::string live() {
    ThreadPool threads(loop_, {.threads = 2, .queue = 64});
    Context context(loop_, threads);
    State state;
    LifespanRunner runner(
        context, lifespan_, state, [this](const LifespanEvent& event) { on_event(event); },
        [](Phase) { return std::expected<std::string, StartFailure>(); });

    bool ended = false;
    Spawned opening = spawn(context, runner.open(), [&](const auto&) { ended = true; });
    ipc::uv::Timer stop(loop_, [&] { loop_.stop(); });
    const bool interrupted = chance(40);
    stop.arm(interrupted ? std::chrono::milliseconds(roll(0, 4)) : 20ms);
    if (!ended || chance(50)) loop_.run();  // Retries go on for a while.
    opening.cancel();

    expected_ = runner.keeper().open_names();
    tearing_down_ = true;
    bool closed = false;
    bool waiting = false;  // A stop() before run() would stop the next run instead.
    spawn(context, runner.close(ipc::Clock::now() + 10s), [&](const auto&) {
      closed = true;
      if (waiting) loop_.stop();
    });
    waiting = !closed;
    stop.arm(20s);
    if (waiting) loop_.run();
    const auto late_ones = [&] { return context.roots() > 0 || successes_ != closes_; };
    for (int turns = 0; late_ones() && turns < 2'000; ++turns) {
      stop.arm(1ms);
      loop_.run();
    }
    if (!closed) return "the teardown did not end";
    if (context.roots() > 0) return "a task was left behind";
    if (!open_.empty()) return "not closed: " + *open_.begin();
    if (!expected_.empty()) return "not closed in the teardown: " + expected_.back();
    if (successes_ != closes_)
      return fmt::format("{} opened, {} closed", successes_.load(), closes_);
    if (alive_ != 0) return fmt::format("{} values leaked", alive_);
    return std::exchange(trouble_, {});
  }

 private:
  int roll(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  bool chance(int percent) { return roll(1, 100) <= percent; }

  Task<> open_some(Scope& scope, int depth) {
    const int count = roll(1, 3);
    for (int i = 0; i < count; ++i) {
      if (!chance(25)) {
        co_await open_one(scope, depth);
        continue;
      }
      std::vector<Task<>> together;
      const int width = roll(2, 3);
      for (int j = 0; j < width; ++j) together.push_back(open_one(scope, depth));
      co_await when_all(std::move(together));
    }
  }

  Task<> open_one(Scope& scope, int depth) {
    const std::string name = fmt::format("r{}", ++names_);
    ResourceOptions options{.need = chance(30) ? Need::Optional : Need::Required};
    if (chance(10)) options.open_within = 1ms;
    if (chance(10)) options.close_within = 1ms;
    if (options.need == Need::Optional) options.retry = {1ms, 2ms};
    const bool tolerated = chance(60);
    Task<> step =
        chance(20) ? on_thread(scope, name, options) : on_loop(scope, name, options, depth);
    try {
      co_await std::move(step);
    } catch (const OpenError&) {
      if (!tolerated) throw;
    }
  }

  Task<> on_thread(Scope& scope, const std::string& name, ResourceOptions options) {
    const auto pause = std::chrono::microseconds(roll(0, 2'000));
    const bool fails = chance(10);
    const auto open = [this, pause, fails] {
      std::this_thread::sleep_for(pause);  // The real function blocks.
      if (fails) throw std::runtime_error("refused");
      ++successes_;
    };
    const auto close = [pause] { std::this_thread::sleep_for(pause / 2); };
    return scope.step(name, open, close, options);
  }

  Task<> on_loop(Scope& scope, const std::string& name, ResourceOptions options, int depth) {
    const auto open = [this, depth](Scope& inner) -> Task<> {
      const Value value(alive_);  // A value that is half open must not leak either.
      co_await pause();
      if (depth < 3 && chance(40)) co_await open_some(inner, depth + 1);
      if (chance(10)) throw std::runtime_error("refused");
      co_await pause();
      ++successes_;
    };
    const auto close = [this]() -> Task<> {
      const Value value(alive_);
      co_await pause();
      if (chance(10)) throw std::runtime_error("gone");
    };
    return scope.step(name, open, close, options);
  }

  Task<> pause() {
    if (chance(50)) co_return;
    co_await sleep_for(chance(3) ? 50ms : std::chrono::milliseconds(roll(0, 1)));
  }

  void on_event(const LifespanEvent& event) {
    if (std::getenv("REEVE_SEED") != nullptr) fmt::print("{}\n", describe(event));
    if (const auto* opened = std::get_if<Opened>(&event)) {
      if (!open_.insert(opened->about.name).second) complain("open twice: " + opened->about.name);
      if (tearing_down_) complain("opened in the teardown: " + opened->about.name);
    } else if (const auto* closing = std::get_if<Closing>(&event)) {
      on_closing(closing->about.name);
    } else if (const auto* closed = std::get_if<Closed>(&event)) {
      if (closing_.erase(closed->about.name) == 0) complain("closed twice: " + closed->about.name);
    } else if (const auto* failed = std::get_if<CloseFailed>(&event)) {
      if (closing_.erase(failed->about.name) == 0) complain("closed twice: " + failed->about.name);
    }
  }

  void on_closing(const std::string& name) {
    ++closes_;
    if (!closing_.insert(name).second) complain("closed twice: " + name);
    open_.erase(name);  // A resource that came too late was never open for anybody.
    if (std::ranges::count(expected_, name) == 0) return;
    if (expected_.back() != name) {
      complain(fmt::format("{} is closed before {}", name, expected_.back()));
    }
    std::erase(expected_, name);
  }

  void complain(std::string what) {
    if (trouble_.empty()) trouble_ = std::move(what);
  }

  std::minstd_rand random_;
  ipc::uv::Loop loop_;
  Lifespan lifespan_;
  int names_ = 0;
  int alive_ = 0;
  std::atomic<int> successes_ = 0;  // Open functions.
  int closes_ = 0;                  // Resources that these have opened.
  bool tearing_down_ = false;
  std::set<std::string> open_;
  std::set<std::string> closing_;
  std::vector<std::string> expected_;  // What the teardown has to close, from the back.
  std::string trouble_;
};

TEST(LifespanSimulation, AThousandRandomLifespansCloseInReverseAndOnce) {
  const char* given = std::getenv("REEVE_SEED");
  const std::uint32_t first =
      given != nullptr ? static_cast<std::uint32_t>(std::stoul(given)) : std::random_device()();
  const int lives = given != nullptr ? 1 : 1'000;
  for (int life = 0; life < lives; ++life) {
    const std::uint32_t seed = first + static_cast<std::uint32_t>(life);
    RandomLifespan lifespan(seed);
    const std::string trouble = lifespan.live();
    if (!trouble.empty()) fmt::print(stderr, "REEVE_SEED={}: {}\n", seed, trouble);
    ASSERT_EQ(trouble, "") << "REEVE_SEED=" << seed;
  }
}

}  // namespace
}  // namespace reeve::worker
