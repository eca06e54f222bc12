#include "agent.hpp"

#include <cstdio>
#include <memory>
#include <sstream>
#include <utility>

namespace agent {

using namespace std::chrono_literals;
using reeve::Kind;
using reeve::Request;
using reeve::Response;
using reeve::State;
using reeve::StreamWriter;
using reeve::Task;

void Store::save(const std::string& prompt, const std::string& answer) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(prompt + " -> " + answer + "\n");
}

std::string Store::history() const {
  const std::lock_guard lock(mutex_);
  std::string all;
  for (const std::string& line : lines_) all += line;
  return all;
}

std::size_t Store::keep_newest(std::size_t count) {
  const std::lock_guard lock(mutex_);
  const std::size_t surplus = lines_.size() > count ? lines_.size() - count : 0;
  lines_.erase(lines_.begin(), lines_.begin() + static_cast<std::ptrdiff_t>(surplus));
  return surplus;
}

Task<std::string> HttpClient::post(std::string url, std::string body) {
  co_await reeve::sleep_for(5ms);
  co_return url + " says: " + body;
}

namespace {

class RemoteModel final : public Model {
 public:
  RemoteModel(HttpClient& http, std::string url) : http_(http), url_(std::move(url)) {}
  std::string name() const override { return "remote"; }
  Task<std::string> complete(std::string prompt) override { return http_.post(url_, prompt); }

 private:
  HttpClient& http_;
  std::string url_;
};

class LocalModel final : public Model {
 public:
  std::string name() const override { return "local"; }
  Task<std::string> complete(std::string prompt) override { co_return "I heard: " + prompt; }
};

/// The first that answers a quick question; the local one always does.
Task<std::unique_ptr<Model>> choose_model(State& state) {
  const auto config = reeve::AppConfig::from_environment();
  std::unique_ptr<Model> remote = std::make_unique<RemoteModel>(
      state.get<HttpClient>(), config.get_or("model_url", "https://models.example/v1"));
  try {
    co_await reeve::with_timeout(2s, remote->complete("ping"));
    co_return remote;
  } catch (const reeve::Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "remote model: %s; using the local one\n", error.what());
  }
  co_return std::make_unique<LocalModel>();
}

Task<Response> complete(const Request& request) {
  const std::string prompt(request.body());
  if (prompt.empty()) co_return Response::text("no prompt: send it as the body\n", 400);
  auto& telemetry = request.state<Telemetry>();
  auto& answers = request.state<Cache>().answers;
  ++telemetry.asked;
  if (const auto known = answers.find(prompt); known != answers.end()) {
    ++telemetry.from_cache;
    co_return Response::text(known->second + "\n").header("X-Model", "cache");
  }

  auto& model = request.state<Model>();
  std::string answer = co_await model.complete(prompt);
  auto& store = request.state<Store>();
  co_await reeve::offload([&] { store.save(prompt, answer); });  // A database may block.
  answers.insert_or_assign(prompt, answer);
  co_return Response::text(answer + "\n").header("X-Model", model.name());
}

/// The answer word by word, as it is made.
Task<Response> stream(const Request& request) {
  std::string answer = co_await request.state<Model>().complete(std::string(request.body()));
  co_return Response::stream("text/event-stream", [answer](StreamWriter& out) -> Task<> {
    std::istringstream words(answer);
    for (std::string word; words >> word && !out.draining();) {
      const std::string event = "data: " + word + "\n\n";
      co_await out.write(event);
    }
  });
}

Response metrics(const Request& request) {
  const auto& telemetry = request.state<Telemetry>();
  return Response::text("asked " + std::to_string(telemetry.asked) + "\nfrom_cache " +
                        std::to_string(telemetry.from_cache) + "\n");
}

}  // namespace

reeve::App make_app() {
  reeve::App app;
  // Opened in this order and closed in reverse, so the telemetry sees everything.
  app.resource<Telemetry>("telemetry", [] { return std::make_unique<Telemetry>(); },
                          {.kind = Kind::Telemetry});
  app.resource<Store>("store", [] { return std::make_unique<Store>(); }, {.kind = Kind::Database});
  app.resource<HttpClient>("http", [] { return std::make_unique<HttpClient>(); },
                           {.kind = Kind::Client});
  app.resource<Cache>("cache", [] { return Cache(); }, {.kind = Kind::Cache});
  app.resource<Model>("model", choose_model, {.phase = reeve::Phase::Providers});
  // By one worker of the pool at a time; it may block, so it runs on the thread pool.
  app.job("forget", reeve::every(1min), [](Store& store) { store.keep_newest(1000); });

  app.post("/v1/complete", complete);
  app.post("/v1/stream", stream);
  app.get("/v1/history",
          [](const Request& request) { return Response::text(request.state<Store>().history()); });
  app.get("/metrics", metrics);
  return app;
}

}  // namespace agent
