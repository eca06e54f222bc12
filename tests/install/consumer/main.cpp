// A project that knows of Reeve only what is installed.
#include <iostream>
#include <reeve/reeve.hpp>
#include <reeve/testing.hpp>
#include <string>

int main() {
  reeve::App app;
  app.resource<std::string>("greeting", [] { return std::string("hello from the consumer"); });
  app.get("/", [](const reeve::Request& request) {
    return reeve::Response::text(request.state<std::string>());
  });

  app.schedule("shout", reeve::cron("0 8 * * *", "Europe/Berlin"),
               [](std::string& text) { text += '!'; });

  reeve::TestClient client(app);
  if (!client.start()) return 1;
  client.run_scheduled("shout");
  const reeve::TestResponse response = client.get("/");
  std::cout << response.status << ' ' << response.body << '\n';
  return client.stop() ? 0 : 1;
}
