// Out of line: every file includes error.hpp, which stays free of fmt.

#include "ipc/base/error.hpp"

#include <fmt/format.h>

#include <system_error>

namespace reeve::ipc {

std::string errno_text(int code) { return std::generic_category().message(code); }

std::unexpected<Error> system_error(std::string_view tried, std::string_view on, int code) {
  return std::unexpected(Error{fmt::format("{} {}: {}", tried, on, errno_text(code)), code});
}

std::unexpected<Error> failure(std::string text) {
  return std::unexpected(Error{std::move(text), 0});
}

}  // namespace reeve::ipc
