#pragma once
// "1 request", "2 requests": a number with its word. Of regular words only. Pure.

#include <concepts>
#include <string>
#include <string_view>

namespace reeve::ipc {

template <std::integral Number>
[[nodiscard]] std::string counted(Number count, std::string_view word) {
  std::string text = std::to_string(count) + ' ' + std::string(word);
  if (count == 1) return text;
  const bool hisses = word.ends_with('s');  // "process"
  return text + (hisses ? "es" : "s");
}

}  // namespace reeve::ipc
