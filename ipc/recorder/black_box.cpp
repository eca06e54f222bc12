#include "ipc/recorder/black_box.hpp"

#include <algorithm>
#include <csignal>

#include "ipc/base/text.hpp"
#include "ipc/recorder/symbol.hpp"

namespace reeve::ipc {
namespace {

constexpr std::size_t kMostLines = 512;
constexpr std::size_t kLineBytes = 240;

template <std::size_t kBytes>
std::string copy(const BlackBox::Text<kBytes>& text) {
  const std::uint64_t claimed = text.size.load(std::memory_order_acquire);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(claimed, kBytes));
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = text.bytes[i].load(std::memory_order_relaxed);
  std::erase(bytes, '\0');  // Claimed by a writer that died before it wrote.
  if (claimed > kBytes) bytes += "\n(there was no room for more)";
  return bytes;
}

/// Mangled names of a line stand alone between blanks.
std::string with_readable_symbols(std::string_view line) {
  std::string readable;
  while (!line.empty()) {
    const bool is_last = !line.contains(' ');
    const std::string_view word = take_until(line, ' ');
    readable += word.starts_with("_Z") ? readable_symbol(word) : std::string(word);
    if (!is_last) readable += ' ';
  }
  return readable;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < kMostLines) {
    const std::size_t most = text.size();
    const std::string line = printable(take_until(text, '\n'), most);
    if (!line.empty()) lines.push_back(printable(with_readable_symbols(line), kLineBytes));
  }
  return lines;
}

}  // namespace

int stack_signal() { return SIGRTMIN + 3; }

void BlackBoxWriter::add(std::string_view text) {
  const std::uint64_t begin = size_.fetch_add(text.size(), std::memory_order_acq_rel);
  for (std::size_t i = 0; i < text.size() && begin + i < bytes_.size(); ++i) {
    bytes_[static_cast<std::size_t>(begin) + i].store(text[i], std::memory_order_relaxed);
  }
}

bool answers(const BlackBox& box) {
  return box.answers.load(std::memory_order_relaxed) == BlackBox::kAnswers;
}

bool dumped(const BlackBox& box) { return box.dumped.load(std::memory_order_acquire) != 0; }

BlackBoxReading read(const BlackBox& box) {
  return {.answers = answers(box),
          .dumped = dumped(box),
          .exception = lines_of(copy(box.exception)),
          .crash = lines_of(copy(box.crash)),
          .stacks = lines_of(copy(box.stacks))};
}

}  // namespace reeve::ipc
