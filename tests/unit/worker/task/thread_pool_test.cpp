#include "worker/task/thread_pool.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "reeve/task.hpp"
#include "reeve/wait.hpp"
#include "tests/unit/worker/runtime_fixture.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;
using ThreadPoolTest = RuntimeFixture;

TEST_F(ThreadPoolTest, StartsNoThreadBeforeTheFirstCall) {
  EXPECT_EQ(threads.threads_started(), 0U);
}

TEST_F(ThreadPoolTest, RunsTheCallElsewhereAndTellsTheLoopThread) {
  std::thread::id call_thread;
  std::thread::id done_thread;
  ASSERT_TRUE(threads.submit([&] { call_thread = std::this_thread::get_id(); },
                             [&](const std::exception_ptr& error) {
                               EXPECT_FALSE(error);
                               done_thread = std::this_thread::get_id();
                               loop.stop();
                             }));
  run_loop();
  EXPECT_NE(call_thread, std::this_thread::get_id());
  EXPECT_EQ(done_thread, std::this_thread::get_id());
}

TEST_F(ThreadPoolTest, HandsAnExceptionToDone) {
  std::string what;
  ASSERT_TRUE(threads.submit([] { throw std::runtime_error("broken"); },
                             [&](const std::exception_ptr& error) {
                               what = describe(error);
                               loop.stop();
                             }));
  run_loop();
  EXPECT_EQ(what, "broken");
}

TEST_F(ThreadPoolTest, ThreadsBlockEverySignal) {
  bool blocked = false;
  ASSERT_TRUE(threads.submit(
      [&] {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, nullptr, &mask);
        blocked = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGUSR1) == 1;
      },
      [&](const auto&) { loop.stop(); }));
  run_loop();
  EXPECT_TRUE(blocked);
}

TEST_F(ThreadPoolTest, ReusesAnIdleThread) {
  const auto work_twice = []() -> Task<> {
    co_await offload([] {});
    co_await offload([] {});
  };
  ASSERT_TRUE(run(work_twice()));
  EXPECT_LE(threads.threads_started(), 2U);  // Two when the first was still on its way to idling.
}

TEST_F(ThreadPoolTest, RefusesWhatItsQueueCannotHold) {
  std::latch release(1);
  std::latch busy(2);
  int done = 0;
  const auto block = [&] {
    busy.count_down();
    release.wait();
  };
  const auto count = [&](const std::exception_ptr&) {
    if (++done == 6) loop.stop();
  };
  ASSERT_TRUE(threads.submit(block, count));
  ASSERT_TRUE(threads.submit(block, count));
  busy.wait();
  EXPECT_EQ(threads.running(), 2U);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(threads.submit([] {}, count));
  EXPECT_FALSE(threads.submit([] {}, count));
  release.count_down();
  run_loop();
  EXPECT_EQ(done, 6);
  EXPECT_EQ(threads.threads_started(), 2U);
}

TEST_F(ThreadPoolTest, TakesAtOnceWhatItsThreadsAndItsQueueHold) {
  const auto gate = std::make_shared<std::latch>(1);
  int done = 0;
  // Twice: the threads are started the first time, and idle the second time.
  for (const bool idle : {false, true}) {
    const auto gated = [gate, idle] {
      if (idle) gate->wait();
    };
    for (int i = 0; i < 2 + 4; ++i) {
      EXPECT_TRUE(threads.submit(gated, [&](const auto&) {
        if (++done % 6 == 0) loop.stop();
      })) << i;
    }
    if (idle) {
      EXPECT_FALSE(threads.submit([] {}, [](const auto&) {}));
      gate->count_down();
    }
    run_loop();
  }
  EXPECT_EQ(done, 12);
  EXPECT_EQ(threads.threads_started(), 2U);
}

TEST(ThreadPool, DestructorWaitsForWhatRunsAndDropsWhatWaits) {
  ipc::uv::Loop loop;
  std::latch release(1);
  std::latch busy(1);
  std::atomic<int> ran = 0;
  bool told = false;
  std::thread releaser;
  {
    ThreadPool threads(loop, {.threads = 1, .queue = 4});
    const auto done = [&](const std::exception_ptr&) { told = true; };
    ASSERT_TRUE(threads.submit(
        [&] {
          busy.count_down();
          release.wait();
          ++ran;
        },
        done));
    busy.wait();
    ASSERT_TRUE(threads.submit([&] { ++ran; }, done));
    releaser = std::thread([&] { release.count_down(); });
  }
  releaser.join();
  EXPECT_GE(ran, 1);
  EXPECT_FALSE(told);
}

TEST_F(ThreadPoolTest, OffloadReturnsValuesAndExceptions) {
  const auto compute = []() -> Task<int> {
    int base = 40;
    const int value = co_await offload([&base] { return base + 2; });
    try {
      co_await offload([] { throw std::runtime_error("broken"); });
    } catch (const std::runtime_error&) {
      co_return value;
    }
    co_return 0;
  };
  EXPECT_EQ(run(compute()).value(), 42);
}

TEST(Offload, ThrowsOverloadedWhenThePoolIsFull) {
  ipc::uv::Loop loop;
  ThreadPool threads(loop, {.threads = 1, .queue = 0});
  Context context(loop, threads);
  bool overloaded = false;
  const auto work = [](bool& seen) -> Task<> {
    try {
      co_await offload([] {});
    } catch (const Overloaded&) {
      seen = true;
    }
  };
  const auto gate = std::make_shared<std::latch>(1);
  ASSERT_TRUE(threads.submit([gate] { gate->wait(); }, [](const auto&) {})) << "a thread is free";
  spawn(context, work(overloaded), [](const auto&) {});
  gate->count_down();
  EXPECT_TRUE(overloaded);
  EXPECT_EQ(context.roots(), 0U);
}

/// Two threads that are kept busy until release(). The calls share the latches: a thread may still
/// be waking up from one when the test is over.
class BusyPool {
 public:
  explicit BusyPool(ThreadPool& threads) {
    const auto block = [latches = latches_] {
      latches->busy.count_down();
      latches->gate.wait();
    };
    EXPECT_TRUE(threads.submit(block, [](const auto&) {}));
    EXPECT_TRUE(threads.submit(block, [](const auto&) {}));
    latches_->busy.wait();
  }
  void release() { latches_->gate.count_down(); }

 private:
  struct Latches {
    std::latch busy{2};
    std::latch gate{1};
  };
  std::shared_ptr<Latches> latches_ = std::make_shared<Latches>();
};

TEST_F(ThreadPoolTest, TheReserveDoesOnlyWhatIsOwed) {
  const Activity owed{ActivityKind::Scheduled, "scheduled clean-up"};
  BusyPool pool(threads);
  for (int i = 0; i < 2; ++i) {
    PoolLook during;
    ASSERT_TRUE(threads.submit([&] { during = threads.look(); },
                               [this](const auto&) { loop.stop(); }, owed));
    run_loop();
    EXPECT_TRUE(during.all_taken);
    EXPECT_EQ(during.running.size(), 2U) << "the limit";
    EXPECT_TRUE(threads.look().all_taken);
    if (i == 0) {
      ASSERT_TRUE(threads.submit([] {}, [](const auto&) {}));
    }
    EXPECT_EQ(threads.look().waiting, 1U) << "a request, which is not owed";
  }
  EXPECT_EQ(threads.threads_started(), 3U);
  pool.release();
}

TEST_F(ThreadPoolTest, CancelOfAQueuedOffloadIsImmediateAndItNeverRuns) {
  BusyPool pool(threads);
  std::atomic<bool> ran = false;
  bool ended = false;
  const auto work = [](std::atomic<bool>& flag) -> Task<> {
    co_await offload([&flag] { flag = true; });
  };
  Spawned handle = spawn(context, work(ran), [&](const auto&) { ended = true; });
  handle.cancel();
  EXPECT_TRUE(ended);
  pool.release();
  ASSERT_TRUE(threads.submit([] {}, [this](const auto&) { loop.stop(); }));  // Comes after it.
  run_loop();
  EXPECT_FALSE(ran);
}

TEST_F(ThreadPoolTest, CancelOfARunningOffloadWaitsForItsFunction) {
  std::latch running(1);
  std::latch gate(1);
  bool cancelled = false;
  const auto work = [](std::latch& started, std::latch& go) -> Task<> {
    int local = 1;  // The function uses it, so the frame must live until it has returned.
    co_await offload([&] {
      started.count_down();
      go.wait();
      ++local;
    });
  };
  Spawned handle = spawn(context, work(running, gate), [&](const detail::Outcome<void>& outcome) {
    cancelled = !outcome && describe(outcome.error()) == "cancelled";
    loop.stop();
  });
  running.wait();
  handle.cancel();
  EXPECT_TRUE(handle.running());
  gate.count_down();
  run_loop();
  EXPECT_TRUE(cancelled);
}

TEST(Offload, DestroyedTaskWaitsForItsFunction) {
  ipc::uv::Loop loop;
  ThreadPool threads(loop, {.threads = 1, .queue = 4});
  std::latch running(1);
  std::latch gate(1);
  std::atomic<bool> returned = false;
  const auto work = [&]() -> Task<> {
    co_await offload([&] {
      running.count_down();
      gate.wait();
      returned = true;
    });
  };
  std::thread releaser;
  {
    Context context(loop, threads);
    spawn(context, work(), [](const auto&) {});
    running.wait();
    releaser = std::thread([&] { gate.count_down(); });
  }
  EXPECT_TRUE(returned);
  releaser.join();
}

}  // namespace
}  // namespace reeve::worker
