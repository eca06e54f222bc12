#include "supervisor/log/tail_buffer.hpp"

#include <malloc.h>

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "ipc/base/text.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kChunkBytes = 4096;

// The string itself, its place among others, and the allocator's header.
constexpr std::size_t kChunkOverhead = 80;

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
  for (const auto& [id, follower] : followers_) follower(std::string_view(chunk).substr(begin));
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

TailBuffer::FollowerId TailBuffer::follow(Follower follower) {
  const FollowerId id{next_follower_++};
  followers_.emplace(id, std::move(follower));
  return id;
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
