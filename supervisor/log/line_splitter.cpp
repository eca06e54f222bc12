#include "supervisor/log/line_splitter.hpp"

#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kKeptLineBytes = 512;

}  // namespace

LineSplitter::LineSplitter(OnLine on_line, State state)
    : on_line_(std::move(on_line)), state_(std::move(state)) {
  if (state_.partial.size() > kMaxLineBytes) state_.partial.resize(kMaxLineBytes);
}

void LineSplitter::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    add(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void LineSplitter::finish() {
  if (!state_.partial.empty()) end_line();
}

void LineSplitter::add(std::string_view part) {
  const std::size_t room = kMaxLineBytes - state_.partial.size();
  if (part.size() > room) state_.cut = true;
  state_.partial.append(part.substr(0, room));
}

void LineSplitter::end_line() {
  if (std::exchange(state_.cut, false)) {
    state_.partial.append(kCutMark);
  } else if (state_.partial.ends_with('\r')) {
    state_.partial.pop_back();
  }
  on_line_(state_.partial);
  state_.partial.clear();
  if (state_.partial.capacity() > kKeptLineBytes)
    state_.partial.shrink_to_fit();  // Long lines are rare.
}

}  // namespace reeve::supervisor
