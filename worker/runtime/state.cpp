#include "reeve/state.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace reeve {
namespace {

std::string name_of(const std::type_info& type) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
  return status == 0 ? name.get() : type.name();
}

}  // namespace

State::~State() {
  while (!entries_.empty()) entries_.pop_back();
}

void State::add(const std::type_info& type, std::shared_ptr<void> value) {
  if (lookup(type) != nullptr) {
    throw std::logic_error("there is a " + name_of(type) +
                           " already; wrap one of the two in a type");
  }
  entries_.push_back({type, std::move(value)});
}

void State::remove(const std::type_info& type) {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.type == type; });
}

void* State::lookup(const std::type_info& type) const {
  const auto found = std::ranges::find(entries_, std::type_index(type), &Entry::type);
  return found == entries_.end() ? nullptr : found->value.get();
}

void* State::require(const std::type_info& type) const {
  if (void* value = lookup(type)) return value;
  throw std::out_of_range("no resource of type " + name_of(type) +
                          " is open; is it optional, or missing from the lifespan?");
}

}  // namespace reeve
