#pragma once
// The last output of a slot, across the workers that came and went in it, for `reevectl tail`.
// Bounded; knows no socket. Loop thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace reeve::supervisor {

class TailBuffer {
 public:
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  using Follower = std::function<void(std::string_view text)>;
  enum class FollowerId : std::uint64_t {};

  /// One line without its line end.
  void append(std::string_view line);
  /// The past, as last() gave it to another master. First thing.
  void restore(std::string text) { text_ = std::move(text); }
  /// The last `bytes` of the text, beginning with a whole line where one fits.
  [[nodiscard]] std::string last(std::size_t bytes) const;

  /// Forgets the past; who follows stays.
  void clear() { text_.clear(); }

  /// Gets every later line with its line end, until it is told to stop. May not unfollow in its
  /// call.
  [[nodiscard]] FollowerId follow(Follower follower);
  void unfollow(FollowerId id);

 private:
  std::string text_;  // Trimmed to kMaxBytes whenever it has grown to twice that.
  std::map<FollowerId, Follower> followers_;
  std::uint64_t next_follower_ = 1;
};

}  // namespace reeve::supervisor
