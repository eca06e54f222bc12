#include "supervisor/log/line_splitter.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {
namespace {

constexpr std::size_t kKeptLineBytes = 512;

/// Where to cut what is too long: not within a character of UTF-8, which has 4 bytes at most.
std::size_t place_to_cut(std::string_view text, std::size_t limit) {
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  std::size_t place = limit;
  while (place < text.size() && place + 4 > limit && continues(place)) --place;
  return place < text.size() && continues(place) ? limit : place;
}

}  // namespace

LineSplitter::LineSplitter(OnLine on_line, State state)
    : on_line_(std::move(on_line)), state_(std::move(state)) {
  state_.limit = std::clamp(state_.limit, kLeastLimit, kMostLimit);
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
  state_.partial.append(part);
  while (state_.partial.size() > state_.limit) {
    const std::size_t place = place_to_cut(state_.partial, state_.limit);
    on_line_(std::string_view(state_.partial).substr(0, place));
    state_.partial.erase(0, place);
    state_.cut = true;
  }
}

void LineSplitter::end_line() {
  if (state_.partial.ends_with('\r')) state_.partial.pop_back();
  on_line_(state_.partial);
  state_.partial.clear();
  state_.cut = false;
  if (state_.partial.capacity() > kKeptLineBytes)
    state_.partial.shrink_to_fit();  // Long lines are rare.
}

}  // namespace reeve::supervisor
