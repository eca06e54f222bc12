#pragma once
// TestClient: a whole service inside a test. It runs an App's lifespan and its handlers on a loop
// of its own, in the test's process: no socket, no master, no signals, no exit. Knows no test
// framework.
//
//   TEST(Users, AreFoundByTheirId) {
//     reeve::TestClient client(make_app());
//     client.replace<Database>(std::make_unique<FakeDatabase>());
//     ASSERT_TRUE(client.start());
//     EXPECT_EQ(client.get("/users/7").status, 200);
//     EXPECT_TRUE(client.stop());
//   }
//
// The loop turns only within the calls of the client, on the thread that calls them: between two
// calls no task runs and no timer fires. Each call that waits has a deadline, and one that misses
// it says what it waited for. Several clients may live at once, each on one thread.

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

#include "reeve/app.hpp"
#include "reeve/headers.hpp"
#include "reeve/override.hpp"
#include "reeve/providers.hpp"
#include "reeve/request.hpp"
#include "reeve/state.hpp"
#include "reeve/task.hpp"
#include "reeve/worker_info.hpp"

namespace reeve {

namespace worker {
class TestCallState;
}

namespace detail {
template <class T>
inline constexpr bool kIsProvider = false;
template <class T>
inline constexpr bool kIsProvider<Provider<T>> = true;
}  // namespace detail

/// How patient a TestClient is, and who its service thinks it is.
struct TestOptions {
  /// For each step: the start, one request, one task, closing the resources.
  std::chrono::milliseconds within{10'000};
  /// For what is still in flight when stop() begins; cancelled, and named, after it.
  std::chrono::milliseconds grace{5'000};
  /// What `request.state<WorkerInfo>()` says. A pid of 0 becomes the test's own.
  WorkerInfo who{};
};

/// A step was not done in time. what() names the step and what it waited for.
class TestTimeout : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Whether a step succeeded, and if not, why: `ASSERT_TRUE(client.start())` prints the reason.
class [[nodiscard]] TestResult {
 public:
  TestResult() = default;
  /// A failure. `why` is not empty.
  explicit TestResult(std::string why) : why_(std::move(why)) {}

  /// Whether it succeeded.
  [[nodiscard]] explicit operator bool() const { return why_.empty(); }
  /// Empty when it succeeded.
  [[nodiscard]] const std::string& why() const { return why_; }

  /// Converts to what a test framework asserts on, if that is made of a bool and takes a message,
  /// like testing::AssertionResult.
  template <class Assertion>
    requires requires(Assertion assertion, std::string text) {
      { assertion.message() } -> std::convertible_to<const char*>;
      assertion << text;
    }
  // NOLINTNEXTLINE(google-explicit-constructor): frameworks convert implicitly.
  operator Assertion() const {
    return Assertion(why_.empty()) << why_;
  }

 private:
  std::string why_;
};

/// A request as a client writes it. Host, and Content-Length for a body, are added when they are
/// missing.
struct TestRequest {
  Method method = Method::Get;  ///< of the request line
  std::string target = "/";     ///< "/users/7?full=1", percent-encoded
  std::string body{};           ///< sent whole
  std::vector<std::pair<std::string, std::string>> headers{};  ///< in this order, as they are
};

/// What the service answered.
struct TestResponse {
  int status = 0;        ///< 0 when the call was cancelled before there was one
  Headers headers;       ///< as the handler set them
  std::string body;      ///< all chunks of a streamed one; empty for HEAD, 204 and 304
  bool complete = true;  ///< false when a streamed body was cut short, by its producer or the stop

  /// The first header of that name, in any case. Date, Content-Length and their like are added only
  /// where there is a connection.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    return headers.find(name);
  }
};

/// A request that is under way. Copies are handles of the same one; dropping them all lets it go on
/// alone.
class TestCall {
 public:
  /// For TestClient::send().
  explicit TestCall(std::shared_ptr<worker::TestCallState> state) : state_(std::move(state)) {}

  /// The response is complete, or was cut short.
  [[nodiscard]] bool done() const;
  /// The part of the body that has arrived.
  [[nodiscard]] const std::string& received() const;
  /// Waits for the response; that of a call which stop() had to cancel has the status 0. Throws
  /// TestTimeout, and std::logic_error after leave().
  [[nodiscard]] TestResponse wait();
  /// The client disconnects: a coroutine is cancelled, a function on a thread goes on unheard.
  void leave();

 private:
  std::shared_ptr<worker::TestCallState> state_;
};

/// One service inside a test. All calls on one thread.
class TestClient {
 public:
  /// The app outlives the client, and does not change any more.
  explicit TestClient(const App& app, TestOptions options = {});
  /// Keeps the app: `TestClient client(make_app());`
  explicit TestClient(App&& app, TestOptions options = {});
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  /// Stops a service that runs, and tells stderr what went wrong with that.
  ~TestClient();

  /// Before start(): `value` stands for T, wherever the app opens a T for the process or provides
  /// one for each request. What it replaces is neither opened nor closed. A T, a pointer to T that
  /// can be shared, or a function that returns one of these: called once per start, or once per
  /// request where T belongs to a request. It also stands for what an app.provider<T>() chooses. A
  /// replacement that nothing in the app asks for is a test that tests something else: start()
  /// fails and names its type.
  template <class T, class Value>
  TestClient& replace(Value value) {
    const auto make = detail::maker_of<T>(std::move(value));
    replace(typeid(T), typeid(T), detail::Override::of<T>(make));
    if constexpr (!detail::kIsProvider<T>) {
      replace(typeid(T), typeid(Provider<T>), detail::Override::of<Provider<T>>([make] {
                return std::make_shared<Provider<T>>(make());
              }));
    }
    return *this;
  }

  /// All five phases, up to the point where a worker is ready. A start that fails closes what was
  /// open already; its result says why, in the words of the worker's log. May be called again after
  /// a stop.
  TestResult start();
  /// Drains, closes every resource in reverse, destroys the service. Fails when something had to be
  /// cancelled, a close failed, or a task or a thread was left behind; each is named.
  TestResult stop();

  /// One request, from its bytes to the end of its response. Throws TestTimeout when there is no
  /// end in time, and std::logic_error when the service is not running.
  TestResponse get(std::string target) { return request({.target = std::move(target)}); }
  /// The same for HEAD.
  TestResponse head(std::string target) {
    return request({.method = Method::Head, .target = std::move(target)});
  }
  /// The same for POST.
  TestResponse post(std::string target, std::string body) {
    return request({Method::Post, std::move(target), std::move(body), {}});
  }
  /// The same for PUT.
  TestResponse put(std::string target, std::string body) {
    return request({Method::Put, std::move(target), std::move(body), {}});
  }
  /// The same for DELETE.
  TestResponse del(std::string target) {
    return request({.method = Method::Delete, .target = std::move(target)});
  }
  /// The same for any request.
  TestResponse request(TestRequest request);
  /// The same without waiting for the response: for several at once, endless streams, and clients
  /// that leave. It has begun when this returns.
  [[nodiscard]] TestCall send(TestRequest request);

  /// Runs a task on the service's loop and returns its value or throws its exception. Throws
  /// TestTimeout, after the task was cancelled.
  template <class T>
  T run(Task<T> task) {
    if constexpr (std::is_void_v<T>) {
      run_to_end(std::move(task));
    } else {
      const auto value = std::make_shared<std::optional<T>>();
      run_to_end(store(std::move(task), value));
      return std::move(**value);
    }
  }
  /// Runs the scheduled job of that name now, once, whatever its schedule, its scope and its limits
  /// say, and throws what it throws. Its ScheduledRun is due now, with the fence 0. Throws
  /// std::out_of_range for a name that the app does not have, and TestTimeout like run().
  void run_scheduled(std::string name);
  /// Waits for what the answered requests have left behind: their background tasks, and closing
  /// their values. Throws TestTimeout, which names what is not done.
  void settle();
  /// Turns the loop until `reached` returns true, which is asked at least every 5 ms. Throws
  /// TestTimeout, which says that it waited for `what`.
  void wait_until(std::string_view what, const std::function<bool()>& reached);

  /// What the lifespan opened of type T; std::out_of_range, which names the type, without one.
  template <class T>
  [[nodiscard]] T& state() {
    return state().get<T>();
  }
  /// Throws std::logic_error when the service is not running.
  [[nodiscard]] State& state();

  /// What the lifespan did, in the worker's words: "opening database", "closed cache (0.3 ms)".
  [[nodiscard]] const std::vector<std::string>& events() const;
  /// What the service logged: handlers that threw, for example.
  [[nodiscard]] const std::vector<std::string>& log() const;

  class Impl;

 private:
  template <class T>
  static Task<> store(Task<T> task, std::shared_ptr<std::optional<T>> value) {
    value->emplace(co_await std::move(task));
  }
  /// `meant` is what the test has called it: a replacement for one type may stand for several.
  void replace(std::type_index meant, std::type_index type, detail::Override replacement);
  void run_to_end(Task<> task);

  std::unique_ptr<Impl> impl_;
};

}  // namespace reeve
