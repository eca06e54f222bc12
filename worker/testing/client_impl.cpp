#include "worker/testing/client_impl.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <variant>

#include "worker/task/spawn.hpp"
#include "worker/task/text.hpp"

namespace reeve {

using worker::describe;
using worker::LifespanEvent;
using worker::Service;
using worker::Spawned;
using worker::TestCallState;

namespace {

/// How a task ended, once it has. Shared with it, since a task may be left behind.
template <class T>
using Ending = std::shared_ptr<std::optional<detail::Outcome<T>>>;

template <class T>
Spawned spawn_noting(worker::Context& context, Task<T> task, Ending<T> ending) {
  return spawn(context, std::move(task), [ending = std::move(ending)](detail::Outcome<T> outcome) {
    ending->emplace(std::move(outcome));
  });
}

template <class T>
Ending<T> make_ending() {
  return std::make_shared<std::optional<detail::Outcome<T>>>();
}

}  // namespace

TestClient::Impl::Impl(const App& app, TestOptions options)
    : app_(app), options_(std::move(options)) {
  if (options_.who.pid == 0) options_.who.pid = ::getpid();
}

TestClient::Impl::Impl(App&& app, TestOptions options)
    : own_app_(std::move(app)), app_(*own_app_), options_(std::move(options)) {
  if (options_.who.pid == 0) options_.who.pid = ::getpid();
}

Service& TestClient::Impl::service() const {
  if (!running()) throw std::logic_error("the service is not running: start() comes first");
  return *world_->service;
}

bool TestClient::Impl::turn_until(const std::function<bool()>& reached, ipc::Duration within) {
  ipc::uv::Loop& loop = world_->loop;
  uv_update_time(loop.get());  // The clock stood still since the last call.
  bool late = false;
  ipc::uv::Timer deadline(loop, [&late] { late = true; });
  deadline.arm(within);
  while (!reached() && !late) uv_run(loop.get(), UV_RUN_ONCE);
  return reached();
}

void TestClient::Impl::replace(std::type_index meant, std::type_index type,
                               worker::Override replacement) {
  if (running()) throw std::logic_error("replace() comes before start()");
  replaced_.emplace(meant, type);
  overrides_.add(type, std::move(replacement));
}

TestResult TestClient::Impl::start() {
  if (running()) return TestResult("the service is running already");
  close_failures_.clear();
  try {
    make_world();
  } catch (const std::exception& error) {
    world_.reset();
    return TestResult(error.what());
  }
  std::string why = open();
  if (why.empty()) why = replaced_in_vain();
  if (why.empty()) {
    service().set_ready();
    return {};
  }
  close();
  destroy();
  return TestResult(std::move(why));
}

void TestClient::Impl::make_world() {
  world_ = std::make_unique<World>();
  world_->service.emplace(
      app_, Service::Dependencies{
                .loop = world_->loop,
                .page = world_->recorder.page(),
                .who = options_.who,
                .log = [this](std::string_view line) { log.emplace_back(line); },
                .on_lifespan = [this](const LifespanEvent& event) { on_lifespan(event); },
                .overrides = &overrides_});
}

/// Returns why it failed.
std::string TestClient::Impl::open() {
  const auto opened = make_ending<std::expected<void, worker::StartFailure>>();
  Spawned opening = spawn_noting(service().context(), service().open(), opened);
  const auto ended = [&] { return opened->has_value(); };
  if (!turn_until(ended, options_.within)) {
    std::string why =
        fmt::format("the start was not done within {}{}", describe(options_.within), waits_for());
    opening.cancel();
    turn_until(ended, options_.grace);
    return why;
  }
  const auto& outcome = **opened;
  if (!outcome) return describe(outcome.error());
  return outcome->has_value() ? std::string() : outcome->error().reason;
}

std::string TestClient::Impl::replaced_in_vain() const {
  std::vector<std::string> unused;
  for (auto group = replaced_.begin(); group != replaced_.end();) {
    const auto next = replaced_.upper_bound(group->first);
    const auto has_a_place = [this](const auto& one) { return service().makes(one.second); };
    if (std::none_of(group, next, has_a_place)) unused.push_back(worker::type_name(group->first));
    group = next;
  }
  if (unused.empty()) return {};
  return fmt::format(
      "replaced without effect: {}: the app neither opens nor provides it; replace<T>() wants the "
      "T that it was registered with",
      fmt::join(unused, ", "));
}

void TestClient::Impl::on_lifespan(const LifespanEvent& event) {
  events.push_back(describe(event));
  if (std::holds_alternative<worker::CloseFailed>(event)) close_failures_.push_back(events.back());
}

std::string TestClient::Impl::waits_for() const {
  std::vector<std::string> what;
  for (const auto& node : service().resources().nodes()) {
    if (node->state == worker::NodeState::Opening) what.push_back("opening " + node->about.name);
    if (node->state == worker::NodeState::Closing) what.push_back("closing " + node->about.name);
  }
  return what.empty() ? "" : fmt::format(": it waits for {}", fmt::join(what, ", "));
}

TestResult TestClient::Impl::stop() {
  if (!running()) return TestResult("the service is not running");
  std::vector<std::string> wrong = drain();
  std::ranges::move(close(), std::back_inserter(wrong));
  std::ranges::move(destroy(), std::back_inserter(wrong));
  return TestResult(fmt::format("{}", fmt::join(wrong, "; ")));
}

std::vector<std::string> TestClient::Impl::drain() {
  const auto answered = [this] {
    return std::ranges::all_of(calls_, [](const auto& call) { return call->done(); });
  };
  uv_update_time(world_->loop.get());
  service().drain(ipc::DrainKind::Prompt, {});  // The streams are told.
  bool in_time = turn_until(answered, options_.grace);
  // The server knows of no calls, but of what they have left behind.
  const auto drained = std::make_shared<bool>(false);
  service().drain(ipc::DrainKind::Prompt, [drained] { *drained = true; });
  in_time = in_time && turn_until([drained] { return *drained; }, options_.grace);
  if (in_time) return {};

  std::vector<std::string> wrong;
  const auto cancelled = [&wrong](const std::string& what) {
    wrong.push_back(fmt::format("cancelled {}: not done within the grace", what));
  };
  for (const auto& call : calls_) {
    if (call->done()) continue;
    cancelled(call->describe());
    call->release();
  }
  for (const std::string& what : service().cancel().names) cancelled(what);
  turn_until([drained] { return *drained; }, options_.grace);
  return wrong;
}

std::vector<std::string> TestClient::Impl::close() {
  const auto closed = make_ending<void>();
  const Spawned closing = spawn_noting(
      service().context(), service().close(ipc::Clock::now() + options_.within), closed);
  // Each close has its own deadline, before this one.
  if (turn_until([&] { return closed->has_value(); }, options_.within + options_.grace)) {
    return std::exchange(close_failures_, {});
  }
  return {fmt::format("the resources were not closed within {}{}", describe(options_.within),
                      waits_for())};
}

std::vector<std::string> TestClient::Impl::destroy() {
  std::vector<std::string> wrong;
  worker::Context& context = service().context();
  const auto idle = [this] { return service().threads().running() == 0; };
  turn_until([&] { return idle() && context.roots() == 0; }, options_.grace);
  if (context.roots() > 0) wrong.push_back(fmt::format("tasks left behind: {}", context.roots()));
  for (const auto& call : calls_) call->release();
  calls_.clear();
  if (idle()) {
    world_.reset();
  } else {
    // To join its thread would be to wait for ever, and it may still use what the service owns.
    wrong.emplace_back("a function that still runs on the thread pool is left behind");
    [[maybe_unused]] const auto* left_behind = world_.release();
  }
  return wrong;
}

std::shared_ptr<TestCallState> TestClient::Impl::send(TestRequest request) {
  worker::RequestServices& services = service().services();
  uv_update_time(world_->loop.get());
  forget_finished_calls();
  auto call = std::make_shared<TestCallState>(services, std::move(request),
                                              [this](TestCallState& self) { wait_for(self); });
  call->start();
  calls_.push_back(call);
  return call;
}

void TestClient::Impl::forget_finished_calls() {
  for (const auto& call : calls_) {
    if (call->done()) call->release();
  }
  std::erase_if(calls_, [](const auto& call) { return call->done(); });
}

void TestClient::Impl::wait_for(TestCallState& call) {
  if (turn_until([&call] { return call.done(); }, options_.within)) return;
  call.leave();
  throw TestTimeout(
      fmt::format("{}: not answered within {}", call.name(), describe(options_.within)));
}

void TestClient::Impl::run_to_end(std::string_view what, Task<> task) {
  const auto ending = make_ending<void>();
  worker::Context& context = service().context();
  uv_update_time(world_->loop.get());
  Spawned running = spawn_noting(context, std::move(task), ending);
  const auto ended = [&] { return ending->has_value(); };
  if (!turn_until(ended, options_.within)) {
    running.cancel();
    turn_until(ended, options_.grace);
    throw TestTimeout(fmt::format("{} was not done within {}", what, describe(options_.within)));
  }
  if (!**ending) std::rethrow_exception((*ending)->error());
}

void TestClient::Impl::settle() {
  worker::Background& background = *service().services().background;
  if (turn_until([&background] { return background.idle(); }, options_.within)) return;
  throw TestTimeout(
      fmt::format("not done within {}: {}", describe(options_.within), background.describe()));
}

void TestClient::Impl::wait_until(std::string_view what, const std::function<bool()>& reached) {
  (void)service();
  static constexpr std::chrono::milliseconds kInterval{5};
  ipc::uv::Timer again(world_->loop, [&again] { again.arm(kInterval); });
  uv_update_time(world_->loop.get());
  again.arm(kInterval);
  if (turn_until(reached, options_.within)) return;
  throw TestTimeout(fmt::format("waited {} for {}", describe(options_.within), what));
}

TestClient::TestClient(const App& app, TestOptions options)
    : impl_(std::make_unique<Impl>(app, std::move(options))) {}

TestClient::TestClient(App&& app, TestOptions options)
    : impl_(std::make_unique<Impl>(std::move(app), std::move(options))) {}

TestClient::~TestClient() {
  if (!impl_->running()) return;
  if (const TestResult stopped = stop(); !stopped) {
    fmt::print(stderr, "reeve::TestClient: {}\n", stopped.why());
  }
}

TestResult TestClient::start() { return impl_->start(); }
TestResult TestClient::stop() { return impl_->stop(); }

TestResponse TestClient::request(TestRequest request) { return send(std::move(request)).wait(); }
TestCall TestClient::send(TestRequest request) { return TestCall(impl_->send(std::move(request))); }

void TestClient::replace(std::type_index meant, std::type_index type,
                         detail::Override replacement) {
  impl_->replace(meant, type, std::move(replacement));
}

void TestClient::run_to_end(Task<> task) { impl_->run_to_end("the task", std::move(task)); }
void TestClient::run_scheduled(std::string name) {
  const std::string what = "scheduled " + name;
  impl_->run_to_end(what, impl_->service().scheduler().run_now(std::move(name)));
}
void TestClient::settle() { impl_->settle(); }
void TestClient::wait_until(std::string_view what, const std::function<bool()>& reached) {
  impl_->wait_until(what, reached);
}

State& TestClient::state() { return impl_->service().state(); }
const std::vector<std::string>& TestClient::events() const { return impl_->events; }
const std::vector<std::string>& TestClient::log() const { return impl_->log; }

}  // namespace reeve
