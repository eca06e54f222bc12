#pragma once
// A type as a person writes it: "shop::Database". Any thread.

#include <string>
#include <typeindex>

namespace reeve::worker {

[[nodiscard]] std::string type_name(std::type_index type);

}  // namespace reeve::worker
