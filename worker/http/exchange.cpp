#include "worker/http/exchange.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "worker/http/request_access.hpp"
#include "worker/runtime/text.hpp"

namespace reeve::worker {
namespace {

bool is_cancelled(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Cancelled&) {
    return true;
  } catch (...) {
    return false;
  }
}

bool is_overloaded(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Overloaded&) {
    return true;
  } catch (...) {
    return false;
  }
}

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
  started_ = services_.now();
  record_.emplace(services_.page, to_string(request_.method()), request_.target(), started_);

  auto& parts = RequestAccess::parts(request_);
  parts.state = &services_.state;
  const Router::Match match =
      services_.router.match(parts.method, parts.raw_path, parts.parameters);
  activity_ = match.activity;
  if (match.handler != nullptr) {
    run(*match.handler);
  } else if (!match.allow.empty()) {
    finish(parts.method == Method::Options ? Response(204).header("Allow", match.allow)
                                           : not_allowed(match.allow));
  } else if (auto response = built_in()) {
    finish(std::move(*response));
  } else {
    finish(Response::text("Not found\n", 404));
  }
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

void Exchange::run(const Handler& handler) {
  if (const auto* async = std::get_if<AsyncHandler>(&handler)) {
    run_async(*async);
  } else {
    run_blocking(std::get<BlockingHandler>(handler));
  }
}

void Exchange::run_async(const AsyncHandler& handler) {
  try {
    // It may do more than return a coroutine.
    const auto call = [&] {
      const Occupation::Stay stay(services_.context.occupation(), activity());
      return handler(request_);
    };
    task_ = spawn(services_.context, activity(), call(),
                  [self = shared_from_this()](detail::Outcome<Response> outcome) {
                    if (outcome) {
                      self->finish(std::move(*outcome));
                    } else {
                      self->fail(std::move(outcome.error()));
                    }
                  });
  } catch (...) {  // A handler that is no coroutine itself may throw before it returns one.
    fail(std::current_exception());
  }
}

void Exchange::run_blocking(const BlockingHandler& handler) {
  auto self = shared_from_this();
  auto job = [self, &handler] { self->response_.emplace(handler(self->request_)); };
  auto done = [self](std::exception_ptr error) {
    if (error) {
      self->fail(std::move(error));
    } else {
      self->end();
    }
  };
  if (!services_.pool.submit(std::move(job), std::move(done), activity())) {
    finish(overloaded(services_.pool));
  }
}

void Exchange::stream(Response::Producer producer) {
  running_ = true;
  producer_ = std::move(producer);  // A coroutine lambda must outlive its coroutine.
  const auto on_done = [self = shared_from_this()](detail::Outcome<void> outcome) {
    if (!outcome) {
      self->stream_failed_ = true;
      self->log_failure(outcome.error());
    }
    self->end();
  };
  try {
    task_ = spawn(services_.context, activity(), producer_(writer_), on_done);
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
  log_failure(error);
  finish(is_overloaded(error) ? overloaded(services_.pool)
                              : Response::text("Internal server error\n", 500));
}

void Exchange::log_failure(const std::exception_ptr& error) {
  // Without a client the server itself may be gone.
  if (client_ == nullptr || !services_.log || is_cancelled(error)) return;
  services_.log(fmt::format("{} {}: {}", to_string(request_.method()), request_.target(),
                            worker::describe(error)));
}

void Exchange::end() {
  running_ = false;
  if (client_ != nullptr) {
    client_->on_progress();
  } else {
    record_.reset();
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
