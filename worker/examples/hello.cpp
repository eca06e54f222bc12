// The smallest service: one route, answered by a coroutine on the loop.
#include <unistd.h>

#include <reeve/reeve.hpp>
#include <string>

int main(int argc, char** argv) {
  reeve::App app;
  app.get("/", [pid = std::to_string(::getpid())]() -> reeve::Task<reeve::Response> {
    co_return reeve::Response::text("Hello, World!").header("X-Pid", pid);
  });
  return app.run(argc, argv);
}
