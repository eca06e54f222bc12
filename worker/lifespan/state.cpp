#include "reeve/state.hpp"

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "worker/task/text.hpp"

namespace reeve {
/// The place of one type. Readers see `shown` and `next`, the rest is the loop thread's.
struct State::Slot {
  explicit Slot(std::type_index of) : type(of) {}

  const std::type_index type;
  std::atomic<void*> shown = nullptr;
  std::atomic<Slot*> next = nullptr;
  std::shared_ptr<void> value;
  std::size_t number = 0;  // The how manieth value it is: the last one ends first.
};

State::~State() {
  std::vector<std::unique_ptr<Slot>> slots;
  for (Slot* slot = first_.load(); slot != nullptr; slot = slot->next.load()) {
    slots.emplace_back(slot);
  }
  std::ranges::sort(slots, std::ranges::greater(), [](const auto& slot) { return slot->number; });
  for (auto& slot : slots) slot.reset();
}

void State::add(detail::AnyValue value) {
  Slot* slot = slot_of(*value.type);
  if (slot != nullptr && slot->value != nullptr) {
    throw std::logic_error("there is a " + worker::type_name(*value.type) +
                           " already; wrap one of the two in a type");
  }
  if (slot == nullptr) {
    slot = new Slot(*value.type);
    std::atomic<Slot*>* end = &first_;
    while (Slot* other = end->load(std::memory_order_relaxed)) end = &other->next;
    end->store(slot, std::memory_order_release);
  }
  slot->value = std::move(value.value);
  slot->number = ++added_;
}

void State::show(const std::type_info& type) {
  Slot* slot = slot_of(type);
  if (slot != nullptr) slot->shown.store(slot->value.get(), std::memory_order_release);
}

std::shared_ptr<void> State::take(const std::type_info& type) {
  Slot* slot = slot_of(type);
  if (slot == nullptr) return nullptr;
  slot->shown.store(nullptr, std::memory_order_release);
  return std::exchange(slot->value, nullptr);
}

bool State::holds(const std::type_info& type) const {
  const Slot* slot = slot_of(type);
  return slot != nullptr && slot->value != nullptr;
}

void* State::find(std::type_index type) const {
  const Slot* slot = slot_of(type);
  return slot == nullptr ? nullptr : slot->shown.load(std::memory_order_acquire);
}

void* State::require(const std::type_info& type) const {
  if (void* value = find(type)) return value;
  throw std::out_of_range("no resource of type " + worker::type_name(type) +
                          " is open; is it optional, or missing from the lifespan?");
}

State::Slot* State::slot_of(std::type_index type) const {
  Slot* slot = first_.load(std::memory_order_acquire);
  while (slot != nullptr && slot->type != type) slot = slot->next.load(std::memory_order_acquire);
  return slot;
}

}  // namespace reeve
