#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "reeve/testing.hpp"
#include "worker/testing/client_impl.hpp"

namespace reeve {

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
