#pragma once
// Tells what kind of exception a pointer holds, without a try of one's own. Any thread.

#include <exception>

namespace reeve::worker {

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

}  // namespace reeve::worker
