#include "worker/task/text.hpp"

#include <fmt/format.h>

#include <chrono>

namespace reeve::worker {

std::string describe(ipc::Duration duration) {
  const double ms = std::chrono::duration<double, std::milli>(duration).count();
  if (ms >= 1000) return fmt::format("{:.4g} s", ms / 1000);
  return ms >= 10 ? fmt::format("{:.0f} ms", ms) : fmt::format("{:.1f} ms", ms);
}

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace reeve::worker
