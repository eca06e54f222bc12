#include "worker/lifespan/exit_stack.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace reeve::worker {

ExitStack::Id ExitStack::add(std::optional<Id> parent) {
  if (parent) ++entries_.at(*parent).children;
  entries_.emplace(next_id_, Entry{parent});
  return next_id_++;
}

void ExitStack::reopen(Id id) { move(id, Place::Idle, Place::Opening); }

void ExitStack::opened(Id id) {
  move(id, Place::Opening, Place::Open);
  stack_.push_back(id);
}

void ExitStack::failed(Id id) { move(id, Place::Opening, Place::Idle); }

void ExitStack::ended(Id id) {
  move(id, Place::Idle, Place::Over);
  forget_what_is_over(id);
}

void ExitStack::closing(Id id) {
  move(id, Place::Open, Place::Closing);
  stack_.erase(std::ranges::find(stack_, id));
}

void ExitStack::closed(Id id) {
  move(id, Place::Closing, Place::Over);
  forget_what_is_over(id);
}

std::optional<ExitStack::Id> ExitStack::next() const {
  if (stack_.empty()) return std::nullopt;
  return stack_.back();
}

std::vector<ExitStack::Id> ExitStack::open_below(Id id) const {
  std::vector<Id> below;
  std::copy_if(stack_.rbegin(), stack_.rend(), std::back_inserter(below),
               [&](Id other) { return is_below(other, id); });
  return below;
}

void ExitStack::move(Id id, [[maybe_unused]] Place from, Place to) {
  Entry& entry = entries_.at(id);
  assert(entry.place == from && "a resource is opened, and closed, once");
  entry.place = to;
}

/// And what it was below of, if that was only remembered for its sake.
void ExitStack::forget_what_is_over(Id id) {
  std::optional<Id> at = id;
  while (at) {
    const auto found = entries_.find(*at);
    if (found->second.place != Place::Over || found->second.children > 0) return;
    at = found->second.parent;
    entries_.erase(found);
    if (at) --entries_.at(*at).children;
  }
}

bool ExitStack::is_below(Id id, Id ancestor) const {
  std::optional<Id> at = entries_.at(id).parent;
  while (at && *at != ancestor) at = entries_.at(*at).parent;
  return at.has_value();
}

}  // namespace reeve::worker
