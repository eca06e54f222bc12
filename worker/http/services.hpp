#pragma once
// What every connection of one server shares: borrowed from the runtime, or owned by the server.
// Loop thread only.

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "ipc/recorder.hpp"
#include "ipc/worker_state.hpp"
#include "reeve/http_limits.hpp"
#include "reeve/router.hpp"
#include "reeve/state.hpp"
#include "worker/http/health.hpp"
#include "worker/http/response_head.hpp"
#include "worker/http/server.hpp"
#include "worker/http/socket_set.hpp"
#include "worker/runtime/context.hpp"
#include "worker/runtime/thread_pool.hpp"

namespace reeve::worker {

struct Services {
  static constexpr std::size_t kReceiveBytes = 64 * 1024;

  Context& context;
  const Router& router;
  ThreadPool& pool;
  ipc::RecorderPage& page;
  State& state;
  HttpLimits limits;
  DrainTiming timing;
  HttpServer::Log log;
  Health health{};
  DateCache date{};
  std::optional<ipc::DrainKind> drain{};
  std::unique_ptr<SocketSet> sockets = std::make_unique<SocketSet>(context.loop());
  /// What one recv returned; not kept between two. Pages that no request needs are never touched.
  std::unique_ptr<char[]> received = std::make_unique_for_overwrite<char[]>(kReceiveBytes);

  [[nodiscard]] ipc::TimePoint now() const { return context.loop().now(); }
  [[nodiscard]] bool draining() const { return drain.has_value(); }
};

}  // namespace reeve::worker
