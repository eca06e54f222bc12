#pragma once
// One deployment of a pool at a time: which one runs, and which wait. A deployment is whatever
// replaces workers: restart, deploy, rollback, update, reload. Knows no pool and no socket. Pure.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/clock.hpp"
#include "supervisor/control/session_id.hpp"

namespace reeve::supervisor {

/// The client or the signal that wants a deployment.
struct Requester {
  std::string what;                  ///< "deploy"
  std::string who;                   ///< "reevectl pid 812", "SIGHUP"
  std::optional<SessionId> session;  ///< where to answer; its going away gives up its place
};

enum class IfBusy : std::uint8_t {
  Refuse,
  Wait,
  Insist,  ///< waits even where the line is full
};

class DeployQueue {
 public:
  static constexpr std::size_t kMaxWaiting = 16;  ///< for one pool

  struct Turn {
    Requester requester;
    std::function<void()> begin;
    std::function<void(std::string why)> refuse;  ///< its turn will not come
  };

  /// `wake` is to see to it that advance() is called soon, and not from inside the call.
  explicit DeployQueue(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Begins at once when nobody is at the pool. Otherwise the turn waits, or is refused with the
  /// name of who is. Exactly one of its functions is called, once.
  void enter(const std::string& pool, Turn turn, IfBusy if_busy, ipc::TimePoint now);
  /// The deployment that was at work is done.
  void leave(const std::string& pool, ipc::TimePoint now);
  /// Begins what is due.
  void advance();

  /// Gives up the places of a client that has left.
  void gone(SessionId session);
  /// Refuses everyone who waits for the pool, also whose turn has come but has not begun.
  void dismiss(const std::string& pool, const std::string& why);
  void dismiss_all(const std::string& why);

  /// "deploy of web by reevectl pid 812, begun 12 s ago, is running"; nothing when nobody is at the
  /// pool.
  [[nodiscard]] std::optional<std::string> at_work(const std::string& pool,
                                                   ipc::TimePoint now) const;
  [[nodiscard]] bool is_busy(const std::string& pool) const { return lines_.contains(pool); }

  /// No more may wait.
  [[nodiscard]] bool is_full(const std::string& pool) const {
    const auto found = lines_.find(pool);
    return found != lines_.end() && found->second.waiting.size() >= kMaxWaiting;
  }

  /// Tells what the one at work is doing, for the refusal of others: "watching its canary".
  void describe_work(std::function<std::string(const std::string& pool)> describe) {
    describe_ = std::move(describe);
  }

 private:
  struct Line {
    Turn at_work;
    ipc::TimePoint since;
    bool has_begun = false;  ///< false: its predecessor has just left
    std::deque<Turn> waiting;
  };

  /// Everyone who has not begun; false: nobody is left, the line is to go.
  [[nodiscard]] static bool empty_into(std::deque<Turn>& dismissed, Line& line);
  static void refuse_all(std::deque<Turn>& turns, const std::string& why);

  std::map<std::string, Line> lines_;  // Only pools with someone at work.
  std::function<void()> wake_;
  std::function<std::string(const std::string&)> describe_;
};

}  // namespace reeve::supervisor
