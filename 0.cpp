#include <reeve/reeve.hpp>

int main(int argc, char** argv) {
  reeve::App app;
  app.get("/", [] { return reeve::Response::text("Hello, World!"); });
  return app.run(argc, argv);
}
