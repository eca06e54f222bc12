#include "supervisor/log/tail_buffer.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {

void TailBuffer::append(std::string_view line) {
  const std::size_t begin = text_.size();
  text_.append(line);
  text_.push_back('\n');
  for (const auto& [id, follower] : followers_) follower(std::string_view(text_).substr(begin));
  if (text_.size() > 2 * kMaxBytes) text_.erase(0, text_.size() - kMaxBytes);
}

std::string TailBuffer::last(std::size_t bytes) const {
  bytes = std::min({bytes, kMaxBytes, text_.size()});
  std::size_t begin = text_.size() - bytes;
  const bool inside_a_line = begin > 0 && text_[begin - 1] != '\n';
  if (inside_a_line) {
    const std::size_t line_end = text_.find('\n', begin);
    if (line_end + 1 < text_.size()) begin = line_end + 1;
  }
  return text_.substr(begin);
}

TailBuffer::FollowerId TailBuffer::follow(Follower follower) {
  const FollowerId id{next_follower_++};
  followers_.emplace(id, std::move(follower));
  return id;
}

void TailBuffer::unfollow(FollowerId id) { followers_.erase(id); }

}  // namespace reeve::supervisor
