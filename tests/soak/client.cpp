#include "tests/soak/client.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

namespace reeve::soak {
namespace {

using namespace std::chrono_literals;
using e2e::Connection;
using e2e::Loss;
using e2e::Response;
using e2e::Reuse;

constexpr std::size_t kUploadBytes = 1024 * 1024;
constexpr int kUploadPieces = 8;
constexpr Milliseconds kTick{100};
/// A port that refuses must not make the clients spin.
constexpr Milliseconds kAfterLoss{5};

void pause(Milliseconds how_long) { ::poll(nullptr, 0, static_cast<int>(how_long.count())); }

std::string shortened(const std::string& text) {
  return text.size() <= 60 ? text : text.substr(0, 60) + "...";
}

Outcome receive(Connection& connection) {
  e2e::Answer answer = connection.receive();
  if (!answer) return std::unexpected(Failure{answer.error()});
  if (const auto judged = e2e::judge(*answer); !judged) {
    return std::unexpected(
        Failure{judged.error(), fmt::format("{} {}", answer->status, shortened(answer->body))});
  }
  return std::move(*answer);
}

Outcome wrong_body(const Response& response) {
  return std::unexpected(Failure{Loss::WrongBody, fmt::format("{} bytes", response.body.size())});
}

}  // namespace

Client::Client(ClientPlan plan, Ledger& ledger) : plan_(plan), ledger_(ledger), random_(plan.seed) {
  if (plan_.kind != Kind::Upload) return;
  upload_.resize(kUploadBytes);
  std::ranges::generate(upload_, [this] { return static_cast<char>(random_()); });
}

void Client::run(const std::atomic<bool>& stopping) {
  while (!stopping) {
    ask_once();
    think();
  }
}

/// A connection that the server closed between two requests is no loss, when that was seen before
/// the next request was sent. One that is closed in answer to a request is.
void Client::ask_once() {
  if (kept_ && kept_->closed_by_peer()) kept_.reset();
  const bool reused = kept_.has_value();
  const auto sent_at = Clock::now();
  const auto lose = [&](Failure failure, std::uint16_t client_port) {
    ledger_.lost({plan_.kind, failure.how, sent_at, Clock::now(), client_port, reused,
                  std::move(failure.about)});
    kept_.reset();
    pause(kAfterLoss);
  };
  if (!reused) {
    auto fresh = Connection::open(plan_.port);
    if (!fresh) return lose({fresh.error()}, 0);
    kept_ = std::move(*fresh);
    if (one_in(32)) pause_up_to(100ms);  // Accepted, and nothing to read yet.
  }
  const bool reuse = plan_.kind != Kind::PerRequest && !one_in(50);
  const Outcome outcome = ask(*kept_, reuse);
  if (!outcome) return lose(outcome.error(), kept_->local_port());
  ledger_.answered(plan_.kind);
  if (!reuse || !outcome->keep_alive) kept_.reset();
}

Outcome Client::ask(Connection& connection, bool reuse) {
  switch (plan_.kind) {
    case Kind::PerRequest:
    case Kind::KeepAlive:
      return ask_short(connection, reuse);
    case Kind::Upload:
      return ask_upload(connection, reuse);
    case Kind::Stream:
      return ask_stream(connection);
  }
  std::unreachable();
}

Outcome Client::ask_short(Connection& connection, bool reuse) {
  connection.send(e2e::get_request("/pid", reuse ? Reuse::KeepAlive : Reuse::Close));
  Outcome answer = receive(connection);
  if (!answer) return answer;
  const std::string pid = fmt::format(R"({{"pid":{},)", answer->header("x-pid"));
  const bool right = answer->body.starts_with(pid) && answer->body.ends_with('}');
  return right ? std::move(answer) : wrong_body(*answer);
}

/// In pieces, most of them with pauses, so that a deploy finds it at every point of its way.
Outcome Client::ask_upload(Connection& connection, bool reuse) {
  connection.send(fmt::format(
      "POST /echo HTTP/1.1\r\nHost: soak\r\nConnection: {}\r\nContent-Length: {}\r\n\r\n",
      reuse ? "keep-alive" : "close", upload_.size()));
  const bool slowly = !one_in(4);
  std::string_view rest = upload_;
  while (!rest.empty()) {
    const auto piece = std::min(rest.size(), kUploadBytes / kUploadPieces);
    connection.send(rest.substr(0, piece));
    rest.remove_prefix(piece);
    if (slowly) pause_up_to(40ms);
  }
  Outcome answer = receive(connection);
  return !answer || answer->body == upload_ ? std::move(answer) : wrong_body(*answer);
}

Outcome Client::ask_stream(Connection& connection) const {
  const auto ticks = plan_.stream / kTick + 1;
  connection.send(
      e2e::get_request(fmt::format("/stream?ticks={}&ms={}", ticks, kTick.count()), Reuse::Close));
  Outcome answer = receive(connection);
  std::string expected;
  for (int tick = 0; tick < ticks; ++tick) expected += fmt::format("tick {}\n", tick);
  return !answer || answer->body == expected ? std::move(answer) : wrong_body(*answer);
}

/// Half of the keep-alive requests follow at once, the others after a while, a few after a long
/// one.
void Client::think() {
  switch (plan_.kind) {
    case Kind::PerRequest:
      return;
    case Kind::KeepAlive:
      if (one_in(400)) {
        pause_up_to(1s);
      } else if (one_in(8)) {
        pause_up_to(50ms);
      }
      return;
    case Kind::Upload:
    case Kind::Stream:
      pause_up_to(20ms);
  }
}

bool Client::one_in(int count) { return std::uniform_int_distribution(1, count)(random_) == 1; }

void Client::pause_up_to(Milliseconds longest) {
  pause(Milliseconds(std::uniform_int_distribution<std::int64_t>(0, longest.count())(random_)));
}

}  // namespace reeve::soak
