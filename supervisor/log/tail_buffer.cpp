#include "supervisor/log/tail_buffer.hpp"

#include <malloc.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kChunkBytes = 4096;

// The string itself, its place among others, and the allocator's header.
constexpr std::size_t kChunkOverhead = 80;

// So much of a line without an end is shown; the rest comes with its end.
constexpr std::size_t kMostOfAPart = 4096;

/// What a line has behind the part of it that was shown; none: that was of another line.
std::optional<std::string_view> rest_of(std::string_view line, std::string_view part) {
  const std::size_t place = part.starts_with('\r') ? line.rfind(part) : line.find(part);
  if (place == std::string_view::npos || (place > 0 && !part.starts_with('\r')))
    return std::nullopt;
  return line.substr(place + part.size());
}

// Returning memory to the kernel walks the whole heap, which is worth it for so much.
constexpr std::size_t kWorthReturning = 1 << 20;

}  // namespace

void TailBudget::shorten_tails() {
  while (used_ > max_bytes_) {
    const auto longest = std::ranges::max_element(tails_, {}, [](const TailBuffer* tail) {
      return std::tuple(tail->chunks_.size(), ~tail->last_line_);
    });
    (*longest)->drop_oldest();
  }
}

void TailBudget::give_back(std::size_t bytes) {
  given_back_ += bytes;
  if (given_back_ < kWorthReturning) return;
  given_back_ = 0;
  ::malloc_trim(0);
}

TailBuffer::TailBuffer(TailBudget& budget) : budget_(budget) { budget_.tails_.push_back(this); }

TailBuffer::~TailBuffer() {
  clear();
  std::erase(budget_.tails_, this);
}

void TailBuffer::append(std::string_view line) {
  const std::size_t needed = line.size() + 1;
  if (chunks_.empty() || chunks_.back().size() + needed > kChunkBytes) {
    budget_.used_ += chunks_.emplace_back().capacity() + kChunkOverhead;
  }
  std::string& chunk = chunks_.back();
  const std::size_t begin = chunk.size();
  const std::size_t before = chunk.capacity();
  const bool is_only =
      chunks_.size() == 1;  // The only chunk grows with its lines: most slots say little.
  chunk.reserve(std::max(begin + needed, is_only ? 0 : kChunkBytes));
  chunk.append(line);
  chunk.push_back('\n');
  budget_.used_ += chunk.capacity() - before;
  size_ += needed;
  last_line_ = ++budget_.lines_;
  if (rest_of(line, part_)) part_.clear();
  for (auto& [id, follower] : followers_) follower.end(std::string_view(chunk).substr(begin));
  if (size_ - chunks_.front().size() >= kMaxBytes) drop_oldest();
  budget_.shorten_tails();
}

void TailBuffer::drop_oldest() {
  budget_.used_ -= chunks_.front().capacity() + kChunkOverhead;
  size_ -= chunks_.front().size();
  chunks_.erase(chunks_.begin());
}

void TailBuffer::restore(std::string_view text) {
  while (!text.empty()) append(ipc::take_until(text, '\n'));
}

std::string TailBuffer::last(std::size_t bytes) const {
  bytes = std::min({bytes, kMaxBytes, size_});
  std::size_t left_out = size_ - bytes;
  auto chunk = chunks_.begin();
  for (; chunk != chunks_.end() && left_out >= chunk->size(); ++chunk) left_out -= chunk->size();
  if (chunk == chunks_.end()) return {};
  const bool inside_a_line = left_out > 0 && (*chunk)[left_out - 1] != '\n';
  if (inside_a_line) {
    const std::size_t line_end = chunk->find('\n', left_out);
    const bool is_last = line_end + 1 == chunk->size() && std::next(chunk) == chunks_.end();
    if (!is_last) left_out = line_end + 1;
  }
  std::string text = chunk->substr(left_out);
  text.reserve(bytes);
  for (++chunk; chunk != chunks_.end(); ++chunk) text += *chunk;
  return text;
}

void TailBuffer::clear() {
  while (!chunks_.empty()) drop_oldest();
}

TailBuffer::FollowerId TailBuffer::follow(Follower follower, Wants wants) {
  const FollowerId id{next_follower_++};
  Following& following =
      followers_.emplace(id, Following{std::move(follower), wants, ""}).first->second;
  if (!part_.empty()) following.show(part_);
  return id;
}

void TailBuffer::show_part(std::string_view line_so_far) {
  // "\r 12 %\r 13 %": a terminal shows the last of them.
  const std::size_t begin = line_so_far.substr(0, line_so_far.size() - 1).rfind('\r');
  part_ = line_so_far.substr(begin == std::string_view::npos ? 0 : begin, kMostOfAPart);
  for (auto& [id, follower] : followers_) follower.show(part_);
}

/// What goes on with what is shown is added to it; anything else, of the other stream, begins anew.
void TailBuffer::Following::show(std::string_view line_so_far) {
  if (wants != Wants::PartsToo) return;
  if (line_so_far == shown) return;
  const bool goes_on = line_so_far.starts_with(shown);
  if (!goes_on && !line_so_far.starts_with('\r')) send("\n");
  send(goes_on ? line_so_far.substr(shown.size()) : line_so_far);
  shown = line_so_far;
}

void TailBuffer::Following::end(std::string_view line) {
  const std::string before = std::exchange(shown, "");
  if (const auto rest = rest_of(line, before)) return send(*rest);
  send("\n");
  send(line);
}

void TailBuffer::unfollow(FollowerId id) { followers_.erase(id); }

void Tails::shrink_to(int end) {
  const std::size_t before = budget_.used();
  for (auto tail = tails_.lower_bound(end); tail != tails_.end();) {
    if (!tail->second.is_followed()) {
      tail = tails_.erase(tail);
    } else {
      (tail++)->second.clear();
    }
  }
  budget_.give_back(before - budget_.used());
}

}  // namespace reeve::supervisor
