#include "tests/e2e/harness/load.hpp"

#include <poll.h>

#include <numeric>
#include <optional>
#include <ostream>
#include <utility>

namespace reeve::e2e {
namespace {

constexpr int kThinkingMs = 5;

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace

std::uint64_t LoadReport::lost_in_all() const {
  return std::accumulate(lost.begin(), lost.end(), std::uint64_t{0},
                         [](auto sum, const auto& each) { return sum + each.second; });
}

void PrintTo(const LoadReport& report, std::ostream* out) {
  *out << report.answered << " answered (" << report.on_kept_connections << " on kept connections, "
       << report.closed_between << " found closed between), " << report.left
       << " left, longest silence " << report.longest_silence.count() << " ms, "
       << report.lost_in_all() << " lost";
  for (const auto& [loss, count] : report.lost) *out << ", " << count << " " << to_string(loss);
}

Load::Load(LoadPlan plan) : plan_(std::move(plan)) {
  last_answer_ns_ = now_ns();
  for (int i = 0; i < plan_.per_request; ++i) {
    clients_.emplace_back([this] { run_client(false, false); });
  }
  for (int i = 0; i < plan_.keep_alive; ++i) {
    clients_.emplace_back([this, thinks = i % 2 == 1] { run_client(true, thinks); });
  }
  for (int i = 0; i < plan_.leaving; ++i) clients_.emplace_back([this] { run_leaving_client(); });
}

Load::~Load() { stopping_ = true; }

bool Load::goes_on(std::uint64_t count, Milliseconds patience) const {
  const std::uint64_t goal = answered_ + count;
  return eventually([&] { return answered_ >= goal; }, patience);
}

LoadReport Load::stop() {
  stopping_ = true;
  clients_.clear();  // Joins.
  return {.answered = answered_,
          .on_kept_connections = reused_,
          .closed_between = closed_between_,
          .left = left_,
          .lost = lost_,
          .longest_silence = std::chrono::duration_cast<Milliseconds>(
              std::chrono::nanoseconds(longest_silence_ns_))};
}

std::string Load::request(Reuse reuse) const {
  return plan_.body.empty() ? get_request(plan_.path, reuse)
                            : post_request(plan_.path, plan_.body, reuse);
}

void Load::run_client(bool keep_alive, bool thinks) {
  const std::string bytes = request(keep_alive ? Reuse::KeepAlive : Reuse::Close);
  std::optional<Connection> kept;
  while (!stopping_) {
    if (kept && kept->closed_by_peer()) {
      ++closed_between_;
      kept.reset();
    }
    const bool reused = kept.has_value();
    if (!reused) {
      auto fresh = Connection::open(plan_.port, plan_.patience);
      if (!fresh) {
        note_loss(fresh.error());
        continue;
      }
      kept = std::move(*fresh);
    }
    kept->send(bytes);
    const Answer answer = judge(kept->receive());
    if (answer) {
      note_answer(reused);
    } else {
      note_loss(answer.error());
    }
    if (!keep_alive || !answer || !answer->keep_alive) kept.reset();
    if (thinks) ::poll(nullptr, 0, kThinkingMs);
  }
}

/// Closing with an answer unread resets the connection; without one it ends in order.
void Load::run_leaving_client() {
  const std::string bytes = request(Reuse::Close);
  while (!stopping_) {
    auto connection = Connection::open(plan_.port, plan_.patience);
    if (!connection) {
      note_loss(connection.error());
      continue;
    }
    connection->send(bytes);
    connection->await_bytes(Milliseconds(4 * kThinkingMs));
    ++left_;
  }
}

void Load::note_answer(bool reused) {
  ++answered_;
  if (reused) ++reused_;
  const std::int64_t now = now_ns();
  const std::int64_t silence = now - last_answer_ns_.exchange(now);
  std::int64_t longest = longest_silence_ns_;
  while (silence > longest && !longest_silence_ns_.compare_exchange_weak(longest, silence)) {
  }
}

void Load::note_loss(Loss loss) {
  {
    const std::scoped_lock lock(lost_mutex_);
    ++lost_[loss];
  }
  ::poll(nullptr, 0, kThinkingMs);  // A port that refuses must not make the clients spin.
}

}  // namespace reeve::e2e
