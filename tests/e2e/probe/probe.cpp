// The native app of the end-to-end tests: a route for each way of being busy, and a lifespan of
// four resources that logs each open and close. misbehaviour.hpp says how a test breaks it.

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <reeve/reeve.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "tests/e2e/probe/misbehaviour.hpp"
#include "tests/e2e/probe/query.hpp"
#include "tests/e2e/probe/schedule.hpp"
#include "tests/e2e/probe/tasks.hpp"

namespace reeve::probe {
namespace {

using namespace std::chrono_literals;

Task<Response> pid(const Request& request) {
  const auto& worker = request.state<WorkerInfo>();
  co_return Response::json(fmt::format(R"({{"pid":{},"slot":"{}","generation":{}}})", worker.pid,
                                       worker.slot, worker.generation))
      .header("X-Pid", std::to_string(worker.pid));
}

/// Suspends: any number of these wait at the same time.
Task<Response> slow(const Request& request, const Misbehaviour& how) {
  try {
    co_await sleep_for(milliseconds_of(request));
  } catch (const Cancelled&) {
    if (how.ignore_term) refuse_to_end();
    throw;
  }
  co_return Response::text("slow\n");
}

/// Occupies a thread of the pool.
Response block(const Request& request) {
  std::this_thread::sleep_for(milliseconds_of(request));
  return Response::text("blocked\n");
}

/// Occupies the loop: nothing else happens meanwhile.
Task<Response> spin(const Request& request) {
  const auto end = std::chrono::steady_clock::now() + milliseconds_of(request);
  while (std::chrono::steady_clock::now() < end) {
  }
  co_return Response::text("spun\n");
}

/// Blocks the loop without using the CPU, as a client library does that is not asynchronous.
Task<Response> stall(const Request& request) {
  std::this_thread::sleep_for(milliseconds_of(request));
  co_return Response::text("stalled\n");
}

Task<Response> echo(const Request& request) {
  co_return Response::text(std::string(request.body()));
}

Task<Response> stream(const Request& request) {
  const int ticks = number_of(request, "ticks", 10);
  const auto pause = milliseconds_of(request);
  co_return Response::stream("text/plain", [ticks, pause](StreamWriter& out) -> Task<> {
    for (int tick = 0; tick < ticks; ++tick) {
      if (tick > 0) co_await sleep_for(pause);
      co_await out.write(fmt::format("tick {}\n", tick));
    }
  });
}

Response crash() { std::abort(); }

/// On the loop.
Task<Response> misbehave_as_told(const Request& request) {
  const bool known = misbehave(request.query("how").value_or(""));
  co_return Response::text(known ? "done\n" : "no such misbehaviour\n");
}

/// Logs its life. Four types, since a State holds one value of each.
template <int kNumber>
struct Part {
  std::string name;
};

template <int kNumber>
Task<Part<kNumber>> open_part(std::string name, const Misbehaviour& how) {
  co_await sleep_for(how.slow_open);
  if (how.hang_resource == name) co_await sleep_for(24h);
  if (how.fail_resource == name) throw std::runtime_error("told to fail");
  const bool is_down = name == "cache" && !how.down_until.empty();
  if (is_down && !std::filesystem::exists(how.down_until)) throw std::runtime_error("it is down");
  fmt::print(stderr, "probe: open {}\n", name);
  co_return Part<kNumber>{std::move(name)};
}

template <int kNumber>
Task<> close_part(Part<kNumber>& part, const Misbehaviour& how) {
  if (how.ignore_term) refuse_to_end();
  if (how.hang_close == part.name) co_await sleep_for(24h);
  fmt::print(stderr, "probe: close {}\n", part.name);
}

template <int kNumber>
void add_part(App& app, const std::string& name, Phase phase, const Misbehaviour& how) {
  app.resource<Part<kNumber>>(
      name, [name, &how] { return open_part<kNumber>(name, how); },
      [&how](Part<kNumber>& part) { return close_part(part, how); },
      {.phase = phase,
       .need = name == "cache" && !how.down_until.empty() ? Need::Optional : Need::Required});
}

void add_lifespan(App& app, const Misbehaviour& how) {
  add_part<0>(app, "telemetry", Phase::Connections, how);
  add_part<1>(app, "database", Phase::Connections, how);
  add_part<2>(app, "client", Phase::Connections, how);
  add_part<3>(app, "cache", Phase::Providers, how);
  if (how.exit_after_start) {
    app.step(
        "exit", [&how] { exit_later(*how.exit_after_start, how.exit_after); }, [] {},
        {.phase = Phase::Scheduler});
  }
}

/// Leaves something to be done with the database.
Task<Response> later(const Request& request, Part<1>& database) {
  request.background("mail", [&database, pause = milliseconds_of(request)]() -> Task<> {
    co_await sleep_for(pause);
    fmt::print(stderr, "probe: mailed from the {}\n", database.name);
  });
  co_return Response::text("accepted\n", 202);
}

/// A value of request scope that logs its life.
struct Visit {
  const Part<1>* database;
};

Task<Response> visit(const Request& request, Visit&) {
  co_await sleep_for(milliseconds_of(request));
  co_return Response::text("visited\n");
}

ThreadLimits thread_limits(const Misbehaviour& how) {
  ThreadLimits limits;
  if (how.threads) limits.threads = static_cast<std::size_t>(*how.threads);
  if (how.queue) limits.queue = static_cast<std::size_t>(*how.queue);
  return limits;
}

void add_routes(App& app, const Misbehaviour& how) {
  app.provide<Visit>(
      [](Part<1>& database) {
        fmt::print(stderr, "probe: begin visit\n");
        return Visit{&database};
      },
      [](Visit& ended) {
        fmt::print(stderr, "probe: end visit of the {}\n", ended.database->name);
      });
  app.get("/later", later);
  app.get("/visit", visit);
  if (how.answer != 200) {
    app.get("/", [&how] { return Response::text("told to fail\n", how.answer); });
  } else {
    app.get("/", pid);
  }
  app.get("/pid", pid);
  app.get("/slow", [&how](const Request& request) { return slow(request, how); });
  app.get("/block", block);
  app.get("/spin", spin);
  app.get("/stall", stall);
  app.get("/stream", stream);
  app.get("/crash", crash);
  app.get("/misbehave", misbehave_as_told);
  app.post("/echo", echo);
}

}  // namespace
}  // namespace reeve::probe

int main(int argc, char** argv) {
  const reeve::probe::Misbehaviour how = reeve::probe::read_misbehaviour();
  reeve::App app;
  reeve::probe::add_lifespan(app, how);
  reeve::probe::add_routes(app, how);
  reeve::probe::add_task_routes(app);
  reeve::probe::add_schedule(app);
  app.threads(reeve::probe::thread_limits(how));
  return app.run(argc, argv);
}
