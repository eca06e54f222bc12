#pragma once
// The fixture of the server's tests: a server on a loopback port, clients on real sockets, and one
// thread that runs both in turn, bounded in time.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "ipc/listener.hpp"
#include "ipc/recorder/recorder.hpp"
#include "reeve/router.hpp"
#include "worker/http/server.hpp"
#include "worker/http/services.hpp"
#include "worker/task/context.hpp"
#include "worker/task/thread_pool.hpp"

namespace reeve::worker {

inline constexpr std::chrono::seconds kPatience{20};

/// A client that never waits: what it received and how the connection ended is there to be looked
/// at.
class SocketClient {
 public:
  enum class End : std::uint8_t { None, Closed, Reset };

  explicit SocketClient(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int failed =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    connected_ = failed == 0;
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] int fd() const { return fd_.get(); }

  /// Sends all of it: what tests send fits into the socket's buffer.
  void send(std::string_view bytes) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_EQ(sent, static_cast<ssize_t>(bytes.size()));
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }

  /// Takes what has arrived.
  void receive() {
    std::array<char, 65536> buffer;
    while (end_ == End::None) {
      const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (size > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(size));
      } else if (size == 0) {
        end_ = End::Closed;
      } else {
        if (errno != EAGAIN) end_ = End::Reset;
        return;
      }
    }
  }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] End end() const { return end_; }
  void forget() { received_.clear(); }

 private:
  ipc::UniqueFd fd_;
  bool connected_ = false;
  std::string received_;
  End end_ = End::None;
};

class ServerFixture : public ::testing::Test {
 protected:
  ServerFixture() {
    limits.keep_alive_time = std::chrono::seconds(60);
    timing = {.idle = std::chrono::milliseconds(60), .first_byte = std::chrono::milliseconds(60)};
  }

  void start() {
    server.reset();
    services.reset(new RequestServices{context, router, threads, recorder.page(), state, limits,
                                       timing,
                                       [this](std::string_view line) { log.emplace_back(line); }});
    auto plans = RoutePlans::make(router, values, &overrides,
                                  [this](std::type_index type) { return state.has(type); });
    ASSERT_TRUE(plans) << plans.error();
    services->plans = std::move(*plans);
    services->background->limit(background, 2);
    services->health.set_phase(HealthPhase::Ready);
    server = std::make_unique<HttpServer>(*services);
    auto listener = ipc::open_listener(*ipc::parse_address("127.0.0.1:0"), 64);
    const std::string address = ipc::local_address(listener->get());
    const auto colon = address.rfind(':');
    std::from_chars(address.data() + colon + 1, address.data() + address.size(), port);
    server->listen(std::move(*listener));
  }

  SocketClient client() const { return SocketClient(port); }
  SocketClient client(std::string_view bytes) const {
    SocketClient made(port);
    made.send(bytes);
    return made;
  }

  /// Turns the loop until `done` holds. False when it takes too long.
  [[nodiscard]] bool run_until(const std::function<bool()>& done) {
    const auto deadline = ipc::Clock::now() + kPatience;
    while (!done()) {
      if (ipc::Clock::now() > deadline) return false;
      turn();
    }
    return true;
  }
  /// Turns the loop until the client has received text that contains `text`.
  [[nodiscard]] bool receives(SocketClient& to, std::string_view text) {
    return run_until([&] {
      to.receive();
      return to.received().contains(text);
    });
  }
  /// Turns the loop until the connection has ended, and says how.
  SocketClient::End end_of(SocketClient& to) {
    const bool ended = run_until([&] {
      to.receive();
      return to.end() != SocketClient::End::None;
    });
    EXPECT_TRUE(ended) << "still open";
    return to.end();
  }
  std::string whole_answer(std::string_view request) {
    SocketClient one = client(request);
    EXPECT_EQ(end_of(one), SocketClient::End::Closed);
    return one.received();
  }

  void drain(ipc::DrainKind kind) {
    server->drain(kind, [this] { drained = true; });
  }
  [[nodiscard]] bool run_until_drained() {
    return run_until([this] { return drained; });
  }
  [[nodiscard]] std::size_t connections() const { return recorder.page().connections.load(); }
  [[nodiscard]] bool accepted(std::size_t count) {
    return run_until([this, count] { return connections() == count; });
  }

  /// One turn; waits in it for a moment, since a client's bytes take one too.
  void turn() {
    uv_run(loop.get(), UV_RUN_NOWAIT);
    pollfd ready{uv_backend_fd(loop.get()), POLLIN, 0};
    ::poll(&ready, 1, 1);
  }

  ipc::uv::Loop loop;
  ThreadPool threads{loop, {.threads = 2, .queue = 2}};
  Context context{loop, threads};
  ipc::Recorder recorder = ipc::Recorder::detached();
  State state;
  Router router;
  RequestValues values;
  Overrides overrides;
  BackgroundLimits background;
  HttpLimits limits;
  DrainTiming timing;
  std::vector<std::string> log;
  std::unique_ptr<RequestServices> services;
  std::unique_ptr<HttpServer> server;
  std::uint16_t port = 0;
  bool drained = false;
};

}  // namespace reeve::worker
