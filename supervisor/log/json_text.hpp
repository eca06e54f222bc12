#pragma once
// One JSON string, for log lines; whole documents are ipc/control's business. Pure.

#include <string>
#include <string_view>

namespace reeve::supervisor {

/// `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace reeve::supervisor
