#pragma once
// Durations, exceptions and types as words for a log line, and the kind of an exception. Any
// thread.

#include <exception>
#include <string>
#include <typeindex>

#include "ipc/base/duration.hpp"

namespace reeve::worker {

/// Whether the exception that a pointer holds is one of that kind.
template <class Exception>
[[nodiscard]] bool is_a(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// "0.4 ms", "12 ms", "3.2 s".
[[nodiscard]] inline std::string describe(ipc::Duration duration) {
  return ipc::short_duration(duration);
}

/// What an exception says of itself.
[[nodiscard]] std::string describe(const std::exception_ptr& error);

/// A type as a person writes it: "shop::Database".
[[nodiscard]] std::string type_name(std::type_index type);

}  // namespace reeve::worker
