// A native app that has something before its lifespan, as a client made by a static initialiser.
//
//   EARLY=thread      a thread named "early-client"
//   EARLY=owned       the same, of a std::thread that aborts the process when it is destroyed
//   EARLY=socket      a UDP socket that closes on exec
//   EARLY=left_open   one that does not, as a careless shell may leave it
//   EARLY=warn        the thread, and an app that tolerates it

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <reeve/reeve.hpp>
#include <string_view>
#include <thread>

namespace {

std::string_view what() {
  const char* value = std::getenv("EARLY");  // NOLINT(concurrency-mt-unsafe): one thread so far.
  return value != nullptr ? value : "";
}

struct Client {
  Client() {
    if (what() == "thread" || what() == "owned" || what() == "warn") {
      io_ = std::thread([] {
        while (true) ::pause();
      });
      ::pthread_setname_np(io_.native_handle(), "early-client");
      if (what() != "owned") io_.detach();
    } else if (what() == "socket") {
      ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    } else if (what() == "left_open") {
      ::socket(AF_INET, SOCK_DGRAM, 0);
    }
  }

 private:
  std::thread io_;
};

const Client client;

}  // namespace

int main(int argc, char** argv) {
  reeve::App app;
  if (what() == "warn") app.fork_safety(reeve::ForkSafety::Warn);
  app.get("/", [] { return reeve::Response::text("early\n"); });
  return app.run(argc, argv);
}
