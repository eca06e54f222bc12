#include "tests/e2e/probe/tasks.hpp"

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/e2e/probe/query.hpp"

namespace reeve::probe {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int kNumbers = 16;
constexpr int kSum = kNumbers * (kNumbers - 1) / 2;

int block_for(milliseconds time) {
  std::this_thread::sleep_for(time);
  return 1;
}

Task<Response> offload_it(const Request& request) {
  const milliseconds time = milliseconds_of(request);
  const int done = co_await offload([time] { return block_for(time); });
  co_return Response::text(done == 1 ? "offloaded\n" : "?\n");
}

Task<Response> lose_patience(const Request& request) {
  const milliseconds time = milliseconds_of(request);
  co_await with_timeout(1h, sleep_for(time / 2));
  try {
    co_await with_timeout(time / 2, sleep_for(1h));
  } catch (const TimedOut&) {
    co_return Response::text("lost patience\n");
  }
  co_return Response::text("the timeout did not end it\n", 500);
}

/// Each comes from a thread.
Task<> send_numbers(Channel<int>& numbers) {
  for (int number = 0; number < kNumbers; ++number) {
    const int offloaded = co_await offload([number] { return number; });
    co_await numbers.send(offloaded);
  }
  numbers.close();
}

Task<int> add_numbers(Channel<int>& numbers) {
  int sum = 0;
  while (const auto number = co_await numbers.receive()) sum += *number;
  co_return sum;
}

/// The sum, after `time`.
Task<int> fan_out(milliseconds time) {
  Channel<int> numbers(4);
  const auto [sent, sum, slept] =
      co_await when_all(send_numbers(numbers), add_numbers(numbers), sleep_for(time));
  const auto first = co_await when_any(sleep_for(1h), yield());
  co_return first.index() == 1 ? sum : 0;
}

Task<> fan_out_later(milliseconds time) {
  const int sum = co_await fan_out(time);
  if (sum != kSum)
    throw std::logic_error("a background task has lost " + std::to_string(kSum - sum));
}

Task<Response> fan(const Request& request) {
  const milliseconds time = milliseconds_of(request);
  request.background("fan", [time] { return fan_out_later(time); });
  const int sum = co_await fan_out(time);
  co_return Response::text(std::to_string(sum) + "\n", sum == kSum ? 200 : 500);
}

}  // namespace

void add_task_routes(App& app) {
  app.get("/offload", offload_it);
  app.get("/patience", lose_patience);
  app.get("/fan", fan);
}

}  // namespace reeve::probe
