#pragma once
// What everything that answers requests shares: the connections of a server, and the client of a
// test. Made by the Service. Loop thread only.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "ipc/recorder/recorder.hpp"
#include "ipc/worker_state.hpp"
#include "reeve/http_limits.hpp"
#include "reeve/router.hpp"
#include "reeve/state.hpp"
#include "worker/http/background.hpp"
#include "worker/http/health.hpp"
#include "worker/http/response_head.hpp"
#include "worker/http/route_plans.hpp"
#include "worker/http/socket_set.hpp"
#include "worker/task/context.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

/// How long a drain waits for clients that are silent. The grace bounds all of it from outside.
struct DrainTiming {
  /// Patient: for the next request of a keep-alive connection, and for the first of a new one.
  std::chrono::milliseconds idle{5'000};
  /// Prompt: for the first request of a new connection.
  std::chrono::milliseconds first_byte{1'000};
};

/// Gets one line for what an operator should read: a handler that threw, accept that failed.
using LogLine = std::function<void(std::string_view line)>;

struct RequestServices {
  static constexpr std::size_t kReceiveBytes = 64 * 1024;

  Context& context;
  const Router& router;
  ThreadPool& pool;
  ipc::RecorderPage& page;
  State& state;
  HttpLimits limits;
  DrainTiming timing;
  LogLine log;
  Health health{};
  /// Answers readiness once the checks have been asked. Empty: there are none to ask.
  AsyncHandler readiness{};
  DateCache date{};
  std::optional<ipc::DrainKind> drain{};
  RoutePlans plans{};
  std::unique_ptr<Background> background = std::make_unique<Background>(context, page, log);
  std::unique_ptr<SocketSet> sockets = std::make_unique<SocketSet>(context.loop());
  /// What one recv returned; not kept between two. Pages that no request needs are never touched.
  std::unique_ptr<char[]> received = std::make_unique_for_overwrite<char[]>(kReceiveBytes);

  [[nodiscard]] ipc::TimePoint now() const { return context.loop().now(); }
  [[nodiscard]] bool draining() const { return drain.has_value(); }
};

}  // namespace reeve::worker
