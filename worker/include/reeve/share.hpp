#pragma once
// One kind of pointer for all that functions of the application make, whether they return a value,
// a unique_ptr or a shared_ptr. Part of the templates of other headers.

#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace reeve::detail {

/// Throws std::runtime_error for a null pointer.
template <class T, class Made>
std::shared_ptr<T> share(Made made) {
  if constexpr (std::is_convertible_v<Made, std::shared_ptr<T>>) {
    std::shared_ptr<T> value = std::move(made);
    if (value == nullptr) throw std::runtime_error("its open function returned nothing");
    return value;
  } else if constexpr (std::is_base_of_v<T, Made>) {
    return std::make_shared<Made>(std::move(made));
  } else {
    static_assert(std::is_convertible_v<Made, T>,
                  "a value is made as a T, or as a pointer to a T or to what derives from it");
    return std::make_shared<T>(std::move(made));
  }
}

}  // namespace reeve::detail
