#include "worker/lifespan/exit_stack.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace reeve::worker {

ExitStack::Id ExitStack::add(std::optional<Id> parent) {
  assert(!parent || *parent < entries_.size());
  entries_.push_back({parent});
  return entries_.size() - 1;
}

void ExitStack::reopen(Id id) { move(id, Place::Idle, Place::Opening); }

void ExitStack::opened(Id id) {
  move(id, Place::Opening, Place::Open);
  stack_.push_back(id);
}

void ExitStack::failed(Id id) { move(id, Place::Opening, Place::Idle); }

void ExitStack::closing(Id id) {
  move(id, Place::Open, Place::Closing);
  stack_.erase(std::ranges::find(stack_, id));
}

void ExitStack::closed(Id id) { move(id, Place::Closing, Place::Closed); }

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

void ExitStack::move(Id id, Place from, Place to) {
  assert(entries_.at(id).place == from && "a resource is opened, and closed, once");
  entries_[id].place = to;
  (void)from;
}

bool ExitStack::is_below(Id id, Id ancestor) const {
  std::optional<Id> at = entries_[id].parent;
  while (at && *at != ancestor) at = entries_[*at].parent;
  return at.has_value();
}

}  // namespace reeve::worker
