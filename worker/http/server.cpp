#include "worker/http/server.hpp"

#include <algorithm>
#include <list>
#include <utility>

#include "ipc/base/uv.hpp"
#include "worker/http/acceptor.hpp"
#include "worker/http/connection.hpp"
#include "worker/http/services.hpp"

namespace reeve::worker {
namespace {

// One timer serves all deadlines. It fires at the earliest, but not more often than this: a
// deadline may be late by so much, and never early.
constexpr std::chrono::milliseconds kSweepInterval{20};

}  // namespace

class HttpServer::Impl final : public Connection::Owner {
 public:
  explicit Impl(RequestServices& services)
      : services_(services),
        sweep_(services_.context.loop(), [this] { sweep(); }),
        drained_soon_(services_.context.loop(), [this] { report_drained(); }) {
    services_.background->on_idle([this] { check_drained(); });
  }
  ~Impl() { services_.background->on_idle(nullptr); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void listen(ipc::UniqueFd listener) {
    acceptors_.emplace_back(
        services_.context.loop(), std::move(listener),
        [this](ipc::UniqueFd fd, const Peer& peer) { add(std::move(fd), peer); },
        [this](const std::string& line) {
          if (services_.log) services_.log(line);
        });
  }

  void drain(ipc::DrainKind kind, std::function<void()> drained) {
    drained_ = std::move(drained);
    uv_update_time(services_.context.loop().get());  // The waits begin now, not when this turn did.
    // Prompt is final: a later patient one cannot take it back.
    if (services_.drain != ipc::DrainKind::Prompt) services_.drain = kind;
    if (services_.drain == ipc::DrainKind::Prompt) {
      for (Acceptor& acceptor : acceptors_) acceptor.empty_queue();
    }
    acceptors_.clear();
    for_each([](Connection& connection) { connection.drain(); });
    check_drained();
  }

  std::vector<std::string> in_progress() const {
    std::vector<std::string> names;
    for (const Connection& connection : connections_) {
      if (auto name = connection.request_in_progress()) names.push_back(std::move(*name));
    }
    return names;
  }

  std::vector<std::string> cancel() {
    acceptors_.clear();
    std::vector<std::string> names = in_progress();
    for_each([](Connection& connection) { connection.abort(); });
    return names;
  }

 private:
  void add(ipc::UniqueFd fd, const Peer& peer) {
    connections_.emplace_front(services_, *this, std::move(fd), peer);
    connections_.front().set_position(connections_.begin());
    count_connections();
    if (!services_.draining() && connections_.size() >= services_.limits.connections) {
      for (Acceptor& acceptor : acceptors_) acceptor.pause();
    }
    connections_.front().start();
  }

  void on_closed(Connection& connection) override {
    if (connections_.size() == services_.limits.connections) {
      for (Acceptor& acceptor : acceptors_) acceptor.resume();
    }
    connections_.erase(connection.position());
    count_connections();
    check_drained();
  }

  /// `act` may end the connection that it gets, and no other.
  template <class Act>
  void for_each(Act act) {
    for (auto next = connections_.begin(); next != connections_.end();) act(*next++);
  }

  void on_deadline(ipc::TimePoint deadline) override {
    if (deadline < next_sweep_) arm_sweep(deadline);
  }

  void arm_sweep(ipc::TimePoint deadline) {
    next_sweep_ = std::max(deadline, services_.now() + kSweepInterval);
    sweep_.arm(next_sweep_ - services_.now());
  }

  void sweep() {
    const ipc::TimePoint now = services_.now();
    next_sweep_ = Connection::kNever;
    for_each([now](Connection& connection) {
      if (connection.deadline() <= now) connection.expire();
    });
    ipc::TimePoint earliest = Connection::kNever;
    for (const Connection& connection : connections_) {
      earliest = std::min(earliest, connection.deadline());
    }
    if (earliest != Connection::kNever) arm_sweep(earliest);
  }

  void count_connections() {
    services_.page.connections.store(connections_.size(), std::memory_order_relaxed);
  }

  // Told on a turn of its own: the last connection may have ended deep inside of a handler's call.
  void check_drained() {
    if (services_.draining() && idle() && drained_) drained_soon_.arm({});
  }

  void report_drained() {
    if (idle() && drained_) std::exchange(drained_, nullptr)();
  }

  [[nodiscard]] bool idle() const { return connections_.empty() && services_.background->idle(); }

  RequestServices& services_;
  ipc::uv::Timer sweep_;
  ipc::uv::Timer drained_soon_;
  std::list<Acceptor> acceptors_;
  std::list<Connection> connections_;
  ipc::TimePoint next_sweep_ = Connection::kNever;
  std::function<void()> drained_;
};

HttpServer::HttpServer(RequestServices& services) : impl_(std::make_unique<Impl>(services)) {}

HttpServer::~HttpServer() = default;

void HttpServer::listen(ipc::UniqueFd listener) { impl_->listen(std::move(listener)); }

void HttpServer::drain(ipc::DrainKind kind, std::function<void()> drained) {
  impl_->drain(kind, std::move(drained));
}

std::vector<std::string> HttpServer::in_progress() const { return impl_->in_progress(); }

std::vector<std::string> HttpServer::cancel() { return impl_->cancel(); }

}  // namespace reeve::worker
