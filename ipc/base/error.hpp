#pragma once
// How an expected failure travels: what was tried, on what, and why it failed.
// Never thrown; returned. The caller decides whether it is logged.

#include <expected>
#include <string>
#include <string_view>

namespace reeve::ipc {

struct Error {
  std::string text;  ///< A whole message for a person: "bind 127.0.0.1:80: Permission denied".
  int code = 0;      ///< The errno behind it, or 0.
};

template <class T = void>
using Result = std::expected<T, Error>;

/// An Error of a failed system call: "`tried` `on`: errno text". Reads no errno itself.
[[nodiscard]] std::unexpected<Error> system_error(std::string_view tried, std::string_view on,
                                                  int code);

/// An Error that no system call caused.
[[nodiscard]] std::unexpected<Error> failure(std::string text);

/// `strerror` that is safe to call from any thread.
[[nodiscard]] std::string errno_text(int code);

}  // namespace reeve::ipc
