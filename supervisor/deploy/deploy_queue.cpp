#include "supervisor/deploy/deploy_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

void DeployQueue::enter(const std::string& pool, Turn turn, IfBusy if_busy, ipc::TimePoint now) {
  const auto found = lines_.find(pool);
  if (found == lines_.end()) {
    lines_.emplace(pool,
                   Line{.at_work = {std::move(turn.asker), now, nullptr, nullptr}, .waiting = {}});
    turn.begin();
    return;
  }
  std::deque<Turn>& waiting = found->second.waiting;
  switch (if_busy) {
    case IfBusy::Refuse:
      turn.refuse(
          fmt::format("{} is running; try again when it is done, or wait for it with "
                      "--wait",
                      *at_work(pool, now)));
      return;
    case IfBusy::Wait:
      if (waiting.size() >= kMaxWaiting) {
        turn.refuse(fmt::format("{} is running, and {} others wait for it; try again later",
                                *at_work(pool, now), waiting.size()));
        return;
      }
      [[fallthrough]];
    case IfBusy::Insist:
      waiting.push_back(std::move(turn));
  }
}

void DeployQueue::leave(const std::string& pool, ipc::TimePoint now) {
  const auto found = lines_.find(pool);
  if (found == lines_.end()) return;
  Line& line = found->second;
  if (line.waiting.empty()) {
    lines_.erase(found);
    return;
  }
  Turn next = std::move(line.waiting.front());
  line.waiting.pop_front();
  line.at_work = {std::move(next.asker), now, std::move(next.begin), std::move(next.refuse)};
  wake_();
}

void DeployQueue::advance() {
  std::vector<std::function<void()>> due;
  for (auto& [pool, line] : lines_) {
    if (line.at_work.begin) due.push_back(std::exchange(line.at_work.begin, nullptr));
  }
  for (const auto& begin : due) begin();
}

void DeployQueue::gone(SessionId session) {
  std::deque<Turn> given_up;
  for (auto& [pool, line] : lines_) {
    std::erase_if(line.waiting, [&](Turn& turn) {
      if (turn.asker.session != session) return false;
      given_up.push_back(std::move(turn));
      return true;
    });
  }
  refuse_all(given_up, "the client has left");
}

void DeployQueue::dismiss(const std::string& pool, const std::string& why) {
  const auto found = lines_.find(pool);
  if (found == lines_.end()) return;
  std::deque<Turn> dismissed;
  if (!empty_into(dismissed, found->second)) lines_.erase(found);
  refuse_all(dismissed, why);
}

void DeployQueue::dismiss_all(const std::string& why) {
  std::deque<Turn> dismissed;
  for (auto it = lines_.begin(); it != lines_.end();) {
    it = empty_into(dismissed, it->second) ? std::next(it) : lines_.erase(it);
  }
  refuse_all(dismissed, why);
}

bool DeployQueue::empty_into(std::deque<Turn>& dismissed, Line& line) {
  const bool has_begun = !line.at_work.begin;
  if (!has_begun) {
    dismissed.push_back({std::move(line.at_work.asker), std::move(line.at_work.begin),
                         std::move(line.at_work.refuse)});
  }
  std::ranges::move(std::exchange(line.waiting, {}), std::back_inserter(dismissed));
  return has_begun;
}

void DeployQueue::refuse_all(std::deque<Turn>& turns, const std::string& why) {
  for (const Turn& turn : turns) turn.refuse(why);
}

std::optional<std::string> DeployQueue::at_work(const std::string& pool, ipc::TimePoint now) const {
  const auto found = lines_.find(pool);
  if (found == lines_.end()) return std::nullopt;
  const AtWork& at_work = found->second.at_work;
  std::string text = fmt::format("{} of {} by {}, since {}", at_work.asker.what, pool,
                                 at_work.asker.who, short_duration(now - at_work.since));
  const std::string doing = describe_ ? describe_(pool) : "";
  return doing.empty() ? text : fmt::format("{}, {},", text, doing);
}

std::size_t DeployQueue::waiting(const std::string& pool) const {
  const auto found = lines_.find(pool);
  return found == lines_.end() ? 0 : found->second.waiting.size();
}

}  // namespace reeve::supervisor
