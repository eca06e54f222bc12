#include "supervisor/log/line_splitter.hpp"

#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kKeptBytes = 512;

}  // namespace

LineSplitter::LineSplitter(OnLine on_line) : on_line_(std::move(on_line)) {}

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::go_on_with(std::string_view partial, bool cut) {
  line_ = partial.substr(0, kMaxLineBytes);
  cut_ = cut;
}

void LineSplitter::finish() {
  if (!line_.empty()) end_line();
}

void LineSplitter::add(std::string_view part) {
  const std::size_t room = kMaxLineBytes - line_.size();
  if (part.size() > room) cut_ = true;
  line_.append(part.substr(0, room));
}

void LineSplitter::end_line() {
  if (std::exchange(cut_, false)) {
    line_.append(kCutMark);
  } else if (line_.ends_with('\r')) {
    line_.pop_back();
  }
  on_line_(line_);
  line_.clear();
  if (line_.capacity() > kKeptBytes) line_.shrink_to_fit();  // Long lines are rare.
}

}  // namespace reeve::supervisor
