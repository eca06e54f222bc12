#include "agent.hpp"

#include <exception>
#include <memory>
#include <sstream>
#include <utility>

namespace agent {

using namespace std::chrono_literals;
using reeve::Kind;
using reeve::Provider;
using reeve::Request;
using reeve::Response;
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

void Store::keep_newest(std::size_t count) {
  const std::lock_guard lock(mutex_);
  if (lines_.size() <= count) return;
  lines_.erase(lines_.begin(), lines_.end() - static_cast<std::ptrdiff_t>(count));
}

Task<std::string> HttpClient::post(std::string url, std::string body) {
  co_await reeve::sleep_for(5ms);
  co_return url + " says: " + body;
}

namespace {

struct RemoteModel final : Model {
  RemoteModel(HttpClient& client, std::string at) : http(client), url(std::move(at)) {}
  std::string name() const override { return "remote"; }
  Task<std::string> complete(std::string prompt) override { return http.post(url, prompt); }
  HttpClient& http;
  std::string url;
};

struct LocalModel final : Model {
  std::string name() const override { return "local"; }
  Task<std::string> complete(std::string prompt) override { co_return "I heard: " + prompt; }
};

std::unique_ptr<Model> open_remote(reeve::State& state) {
  const auto config = reeve::AppConfig::from_environment();
  return std::make_unique<RemoteModel>(state.get<HttpClient>(),
                                       config.get_or("model_url", "https://models.example/v1"));
}

Task<Response> complete(const Request& request, Cache& cache, Store& store, Provider<Model>& models,
                        Span& span) {
  const std::string prompt(request.body());
  if (prompt.empty()) co_return Response::text("no prompt: send it as the body\n", 400);
  if (const auto known = cache.answers.find(prompt); known != cache.answers.end()) {
    span.answered_by = "cache";
    co_return Response::text(known->second + "\n");
  }

  const std::shared_ptr<Model> model = models.get();  // Ours, also if another is chosen meanwhile.
  std::string answer;
  try {
    answer = co_await reeve::with_timeout(10s, model->complete(prompt));
  } catch (const reeve::Cancelled&) {
    throw;  // The client has left.
  } catch (const std::exception& error) {
    models.report_failure(error.what());  // The next one may find another model.
    co_return Response::text("the model failed: try again\n", 503).header("Retry-After", "1");
  }
  span.answered_by = model->name();
  cache.answers.insert_or_assign(prompt, answer);
  // After the response, and on a thread, since a database may block. A drain waits for it.
  request.background("save", [&store, prompt, answer] { store.save(prompt, answer); });
  co_return Response::text(answer + "\n");
}

/// The answer word by word.
Task<Response> stream(const Request& request, Provider<Model>& models, Span& span) {
  const std::shared_ptr<Model> model = models.get();
  std::string answer = co_await model->complete(std::string(request.body()));
  span.answered_by = model->name();
  co_return Response::stream("text/event-stream", [answer](reeve::StreamWriter& out) -> Task<> {
    std::istringstream words(answer);
    for (std::string word; words >> word && !out.draining();) {
      word = "data: " + word + "\n\n";
      co_await out.write(word);
    }
  });
}

Task<Response> metrics(Telemetry& telemetry) {
  std::string lines;
  for (const auto& [who, times] : telemetry.answers) {
    lines += who + ' ' + std::to_string(times) + '\n';
  }
  co_return Response::text(lines);
}

}  // namespace

reeve::App make_app() {
  reeve::App app;
  // Opened in this order and closed in reverse, so the telemetry sees everything.
  app.resource<Telemetry>("telemetry", [] { return Telemetry(); }, {.kind = Kind::Telemetry});
  app.resource<Store>("store", [] { return std::make_unique<Store>(); }, {.kind = Kind::Database});
  app.resource<HttpClient>("http", [] { return HttpClient(); }, {.kind = Kind::Client});
  app.resource<Cache>("cache", [] { return Cache(); }, {.kind = Kind::Cache});
  // The first that answers a quick question in time; the local one always does.
  const auto ping = [](Model& model) -> Task<> { co_await model.complete("ping"); };
  app.provider<Model>("model", {.retry = 30s})
      .candidate("remote", open_remote, ping, 2s)
      .candidate("local", [] { return std::make_unique<LocalModel>(); });
  // By one worker of the pool at a time; it may block, so it runs on the thread pool.
  app.schedule("forget", reeve::every(1min), [](Store& store) { store.keep_newest(1000); });

  app.provide<Span>([](Telemetry& telemetry) -> Task<Span> { co_return Span{telemetry}; },
                    [](Span& span) -> Task<> {
                      ++span.telemetry.answers[span.answered_by];
                      co_return;
                    });
  app.post("/v1/complete", complete);
  app.post("/v1/stream", stream);
  app.get("/v1/history", [](Store& store) { return Response::text(store.history()); });
  app.get("/metrics", metrics);
  return app;
}

}  // namespace agent
