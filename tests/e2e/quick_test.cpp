// A worker is quick to come and to go: that is what makes a roll short and a test of a service
// cheap.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"
#include "tests/e2e/harness/sockets.hpp"
#include "tests/e2e/harness/stopwatch.hpp"

namespace reeve::e2e {
namespace {

using std::chrono::microseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSlower = 10;  // A sanitizer's own start and exit take longer than ours.
#else
constexpr int kSlower = 1;
#endif
constexpr microseconds kLife = 200ms * kSlower;
constexpr microseconds kIdleExit = 100ms * kSlower;

struct Program {
  std::string name;
  std::string path;  ///< of a route that answers 200
};

/// For gtest's messages.
void PrintTo(const Program& program, std::ostream* out) { *out << program.name; }

class Quick : public ::testing::TestWithParam<Program> {
 protected:
  /// What waits in the queue of its listener is accepted once it serves.
  void start() {
    ipc::UniqueFd listener = listen_on_loopback();
    port_ = port_of(listener.get());
    Command command{.argv = {binary(GetParam().name)}};
    command.listeners.push_back({"http", std::move(listener)});
    process_.emplace(std::move(command), dir_, GetParam().name);
  }

  /// Until it has ended; it is reaped by expect_clean_end(), after it was measured.
  void end() {
    process_->signal(SIGTERM);
    EXPECT_TRUE(process_->watch().ended_within(kPatience));
  }

  void expect_clean_end() {
    EXPECT_EQ(process_->wait(), Exit{.code = 0}) << process_->errors();
    process_.reset();
  }

  [[nodiscard]] Answer ask() const { return judge(get(port_, GetParam().path)); }

  [[nodiscard]] microseconds live_once() {
    Stopwatch watch;
    start();
    watch.watches(process_->pid());
    EXPECT_TRUE(ask());
    end();
    const microseconds took = watch.elapsed();
    expect_clean_end();
    return took;
  }

  [[nodiscard]] microseconds exit_while_clients_are_idle() {
    constexpr int kClients = 8;
    start();
    std::vector<Connection> clients;
    for (int i = 0; i < kClients; ++i) {
      auto client = Connection::open(port_);
      EXPECT_TRUE(client && judge(client->get(GetParam().path)));
      if (client) clients.push_back(std::move(*client));
    }
    EXPECT_TRUE(std::ranges::none_of(clients, &Connection::closed_by_peer));
    const Stopwatch watch(process_->pid());
    end();
    const microseconds took = watch.elapsed();
    for (const Connection& client : clients) EXPECT_TRUE(client.closes_within(kPatience));
    expect_clean_end();
    return took;
  }

 private:
  const TempDir dir_{};
  std::uint16_t port_ = 0;
  std::optional<Process> process_;
};

TEST_P(Quick, StartRequestAndCleanStop) {
  const microseconds took = typical(kLife, [this] { return live_once(); });
  EXPECT_LT(took, kLife);
  RecordProperty("microseconds", std::to_string(took.count()));
}

TEST_P(Quick, IdleExitWithEightClientsConnected) {
  const microseconds took = typical(kIdleExit, [this] { return exit_while_clients_are_idle(); });
  EXPECT_LT(took, kIdleExit);
  RecordProperty("microseconds", std::to_string(took.count()));
}

INSTANTIATE_TEST_SUITE_P(Alone, Quick,
                         ::testing::Values(Program{"hello", "/"}, Program{"agent", "/metrics"}),
                         [](const auto& made) { return made.param.name; });

}  // namespace
}  // namespace reeve::e2e
