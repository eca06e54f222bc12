#include "reeve/provide.hpp"

#include <algorithm>
#include <string>

#include "worker/task/type_name.hpp"

namespace reeve {

const detail::RequestValue* RequestValues::find(std::type_index type) const {
  const auto found = std::ranges::find(values_, type, &detail::RequestValue::type);
  return found == values_.end() ? nullptr : &*found;
}

void RequestValues::add(detail::RequestValue value) {
  if (find(value.type) != nullptr) {
    throw std::invalid_argument("provide: there is a provider of " + worker::type_name(value.type) +
                                " already; wrap one of the two in a type");
  }
  values_.push_back(std::move(value));
}

}  // namespace reeve
