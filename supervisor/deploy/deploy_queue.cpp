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
    const auto begin = turn.begin;
    lines_.emplace(pool, Line{std::move(turn), now, true, {}});
    begin();
    return;
  }
  std::deque<Turn>& waiting = found->second.waiting;
  switch (if_busy) {
    case IfBusy::Refuse:
      return turn.refuse(fmt::format("{}; try again when it is done, or wait for it with --wait",
                                     *at_work(pool, now)));
    case IfBusy::Wait:
      if (is_full(pool)) {
        return turn.refuse(fmt::format(
            "{}, and {} for it; try again later", *at_work(pool, now),
            waiting.size() == 1 ? "1 other waits" : fmt::format("{} others wait", waiting.size())));
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
  line.at_work = std::move(line.waiting.front());
  line.waiting.pop_front();
  line.since = now;
  line.has_begun = false;
  wake_();
}

void DeployQueue::advance() {
  std::vector<std::function<void()>> due;
  for (auto& [pool, line] : lines_) {
    if (!std::exchange(line.has_begun, true)) due.push_back(line.at_work.begin);
  }
  for (const auto& begin : due) begin();
}

void DeployQueue::gone(SessionId session) {
  std::deque<Turn> given_up;
  for (auto& [pool, line] : lines_) {
    std::erase_if(line.waiting, [&](Turn& turn) {
      if (turn.requester.session != session) return false;
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
  if (!line.has_begun) dismissed.push_back(std::move(line.at_work));
  std::ranges::move(std::exchange(line.waiting, {}), std::back_inserter(dismissed));
  return line.has_begun;
}

void DeployQueue::refuse_all(std::deque<Turn>& turns, const std::string& why) {
  for (const Turn& turn : turns) turn.refuse(why);
}

std::optional<std::string> DeployQueue::at_work(const std::string& pool, ipc::TimePoint now) const {
  const auto found = lines_.find(pool);
  if (found == lines_.end()) return std::nullopt;
  const Requester& requester = found->second.at_work.requester;
  const std::string doing = describe_ ? describe_(pool) : "";
  return fmt::format("{} of {} by {}, begun {} ago,{}{} is running", requester.what, pool,
                     requester.who, short_duration(now - found->second.since),
                     doing.empty() ? "" : " " + doing, doing.empty() ? "" : ",");
}

}  // namespace reeve::supervisor
