#include "worker/http/exchange.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "worker/http/request_access.hpp"
#include "worker/task/loop_activity.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

Response overloaded(const ThreadPool& pool) {
  return Response::text("Too busy\n", 503)
      .header("Retry-After", std::to_string(pool.retry_after().count()));
}

Response not_allowed(std::string_view allow) {
  return Response::text("Method not allowed\n", 405).header("Allow", allow);
}

constexpr std::string_view kAllMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

}  // namespace

void Exchange::start() {
  running_ = true;
  stream_failed_ = false;
  disconnected_ = false;
  concluded_ = false;
  route_ = nullptr;
  started_ = services_.now();
  record_.emplace(services_.page, to_string(request_.method()), request_.target(), started_);

  auto& parts = RequestAccess::parts(request_);
  parts.state = &services_.state;
  parts.scope = &scope_;
  parts.background = this;
  const Router::Match match =
      services_.router.match(parts.method, parts.raw_path, parts.parameters);
  if (match.route != nullptr) {
    run(*match.route);
  } else if (!match.allow.empty()) {
    finish(parts.method == Method::Options ? Response(204).header("Allow", match.allow)
                                           : not_allowed(match.allow));
  } else if (services_.readiness && asks_readiness()) {
    static const Activity kAsking{ActivityKind::Request, "GET /health/ready"};
    run_async(kAsking, services_.readiness);
  } else if (auto response = built_in()) {
    finish(std::move(*response));
  } else {
    finish(Response::text("Not found\n", 404));
  }
}

bool Exchange::asks_readiness() const {
  const auto& parts = RequestAccess::parts(request_);
  return (parts.raw_path == "/health" || parts.raw_path == "/health/ready") &&
         (parts.method == Method::Get || parts.method == Method::Head);
}

// Always on the loop: a worker whose threads are all busy is still healthy.
std::optional<Response> Exchange::built_in() const {
  const auto& parts = RequestAccess::parts(request_);
  if (parts.raw_path == "*") return Response(204).header("Allow", kAllMethods);

  const bool live = parts.raw_path == "/health/live";
  if (!live && parts.raw_path != "/health" && parts.raw_path != "/health/ready")
    return std::nullopt;
  if (parts.method == Method::Options) return Response(204).header("Allow", "GET, HEAD, OPTIONS");
  if (parts.method != Method::Get && parts.method != Method::Head) {
    return not_allowed("GET, HEAD, OPTIONS");
  }
  return live ? services_.health.live() : services_.health.report();
}

// A route that asks for no values costs nothing here.
void Exchange::run(const Router::Route& route) {
  route_ = &route;
  if (route.wants.empty()) return call(route);

  const RoutePlan& plan = services_.plans.of(route);
  const auto is_open = [this](std::type_index type) { return services_.state.has(type); };
  if (!std::ranges::all_of(plan.process, is_open)) {  // An optional resource is down.
    return finish(Response::text("Not available now\n", 503).header("Retry-After", "1"));
  }
  if (plan.open.empty()) return call(route);
  make_values(route, plan);
}

void Exchange::make_values(const Router::Route& route, const RoutePlan& plan) {
  follow(spawn(services_.context, *route.activity, scope_.open(plan, request_),
               [self = shared_from_this(), &route](detail::Outcome<void> outcome) {
                 if (!outcome) {
                   self->fail(std::move(outcome.error()));
                 } else if (self->disconnected_) {  // The last wait was over already.
                   self->fail(std::make_exception_ptr(Cancelled()));
                 } else {
                   self->call(route);
                 }
               }));
}

/// Takes the handle of what has just begun; if that has ended, what it led to may be there already.
void Exchange::follow(Spawned begun) {
  if (!begun.running()) return;
  task_ = std::move(begun);
  if (disconnected_) task_.cancel();  // The client left while it began.
}

void Exchange::call(const Router::Route& route) {
  if (const auto* async = std::get_if<AsyncHandler>(&route.handler)) {
    run_async(*route.activity, *async);
  } else {
    run_blocking(std::get<BlockingHandler>(route.handler));
  }
}

void Exchange::run_async(const Activity& activity, const AsyncHandler& handler) {
  try {
    // The handler may do more than return a coroutine.
    const auto call = [&] {
      const LoopActivity::Scope scope(services_.context.loop_activity(), activity);
      return handler(request_);
    };
    follow(spawn(services_.context, activity, call(),
                 [self = shared_from_this()](detail::Outcome<Response> outcome) {
                   if (outcome) {
                     self->finish(std::move(*outcome));
                   } else {
                     self->fail(std::move(outcome.error()));
                   }
                 }));
  } catch (...) {  // A handler that is no coroutine itself may throw before it returns one.
    fail(std::current_exception());
  }
}

void Exchange::run_blocking(const BlockingHandler& handler) {
  auto self = shared_from_this();
  auto call = [self, &handler] {
    if (self->disconnected_) throw Cancelled();  // While it was queued.
    self->response_.emplace(handler(self->request_));
  };
  auto done = [self](std::exception_ptr error) {
    if (error) {
      self->fail(std::move(error));
    } else {
      self->end();
    }
  };
  if (!services_.pool.submit(std::move(call), std::move(done), *route_->activity)) {
    finish(overloaded(services_.pool));
  }
}

void Exchange::stream(Response::Producer producer) {
  running_ = true;
  producer_ = std::move(producer);  // A coroutine lambda must outlive its coroutine.
  const auto on_done = [self = shared_from_this()](detail::Outcome<void> outcome) {
    if (!outcome) {
      self->stream_failed_ = true;
      // A producer that was cut off, by the client or by a drain, has not failed.
      const bool cut_off = self->disconnected_ || is_a<Cancelled>(outcome.error());
      if (!cut_off) self->drop_promises("the producer of its response failed");
      self->log_failure(outcome.error());
    }
    self->end();
  };
  try {
    follow(spawn(services_.context, *route_->activity, producer_(writer_), on_done));
  } catch (...) {
    on_done(std::unexpected(std::current_exception()));
  }
}

bool Exchange::push(std::string_view chunk) {
  return client_ != nullptr && client_->on_chunk(chunk);
}

void Exchange::resume_stream() {
  if (waiting_ != nullptr) std::exchange(waiting_, nullptr)->resume();
}

void Exchange::finish(Response response) {
  response_.emplace(std::move(response));
  end();
}

void Exchange::fail(std::exception_ptr error) {
  drop_promises("its handler did not succeed");
  if (client_ == nullptr) return end();
  log_failure(error);
  finish(is_a<Overloaded>(error) ? overloaded(services_.pool)
                                 : Response::text("Internal server error\n", 500));
}

/// The tasks of a request that failed are not run: it was not done.
void Exchange::drop_promises(std::string_view why) {
  if (client_ != nullptr && services_.log) {
    for (const Background::Promised& promised : promised_) {
      services_.log(fmt::format("{} {}: background task {} is dropped: {}",
                                to_string(request_.method()), request_.target(), promised.work.name,
                                why));
    }
  }
  promised_.clear();
}

void Exchange::add(detail::BackgroundWork work) {
  if (!running_) throw std::logic_error("background: the response was sent already");
  promised_.push_back({std::move(work), services_.background->reserve()});
}

void Exchange::cancel() {
  disconnected_ = true;
  task_.cancel();
}

void Exchange::conclude() {
  if (std::exchange(concluded_, true)) return;
  record_.reset();  // Still open when the request got no answer.
  if (scope_.empty()) return start_promised();
  auto close = scope_.close([this](const std::string& failure) {
    if (services_.log) services_.log(fmt::format("{}: {}", route_->name, failure));
  });
  services_.background->clean_up("closing the values of " + route_->name, std::move(close),
                                 [self = shared_from_this()] { self->start_promised(); });
}

void Exchange::start_promised() {
  for (Background::Promised& promised : std::exchange(promised_, {})) {
    services_.background->start(std::move(promised), route_->name);
  }
}

void Exchange::log_failure(const std::exception_ptr& error) {
  // What a handler makes of its end when nobody waits for it is no news.
  if (client_ == nullptr || !services_.log || is_a<Cancelled>(error)) return;
  services_.log(fmt::format("{} {} failed: {}", to_string(request_.method()), request_.target(),
                            worker::describe(error)));
}

void Exchange::end() {
  running_ = false;
  if (client_ != nullptr) {
    client_->on_progress();
  } else {
    record_.reset();
    conclude();
  }
}

void Exchange::answered(int status) {
  // Not the loop's time: what blocks the loop is what its clients wait for.
  if (record_) record_->answered(status, ipc::Clock::now());
  record_.reset();
}

std::string Exchange::describe() const {
  const std::chrono::duration<double> age = services_.now() - started_;
  return fmt::format("{} {} ({:.1f} s)", to_string(request_.method()), request_.target(),
                     age.count());
}

}  // namespace reeve::worker
