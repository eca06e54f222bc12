#pragma once
// The last output of a slot, across the workers that came and went in it, for `reevectl tail`, and
// the memory that all tails share. Memory is taken as lines come and is given back with the tail.
// Knows no socket. Loop thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::supervisor {

class TailBuffer;

/// The memory of all tails together. Once it is used up, each new line costs old ones: the tail
/// that holds the most is shortened at its beginning, and among equals the one that was silent for
/// the longest time. It outlives its tails.
class TailBudget {
 public:
  /// 32 MiB, with what the allocator loses on the way.
  static constexpr std::size_t kMaxBytes = 30UL << 20;

  explicit TailBudget(std::size_t max_bytes = kMaxBytes) : max_bytes_(max_bytes) {}

  /// Bytes that the tails cost now.
  [[nodiscard]] std::size_t used() const { return used_; }

 private:
  friend class TailBuffer;
  friend class Tails;
  void shorten_tails();
  void give_back(std::size_t bytes);

  std::size_t max_bytes_;
  std::size_t used_ = 0;
  std::size_t given_back_ = 0;  // Since the allocator was last asked to return it to the kernel.
  std::uint64_t lines_ = 0;     // Counts the lines of all tails: their clock.
  std::vector<TailBuffer*> tails_;
};

class TailBuffer {
 public:
  static constexpr std::size_t kMaxBytes = 64UL * 1024;

  using Follower = std::function<void(std::string_view text)>;
  enum class Wants : std::uint8_t {
    Lines,
    PartsToo,  ///< also a line so far, and what comes to it
  };
  enum class FollowerId : std::uint64_t {};

  explicit TailBuffer(TailBudget& budget);
  ~TailBuffer();
  TailBuffer(const TailBuffer&) = delete;
  TailBuffer& operator=(const TailBuffer&) = delete;

  /// One line without its line end.
  void append(std::string_view line);
  /// The line so far of a worker that has been silent since, for followers that want parts.
  void show_part(std::string_view line_so_far);
  /// The past, as last() gave it to another master. First thing.
  void restore(std::string_view text);
  /// The last `bytes` of the text, kMaxBytes at most, beginning with a whole line where one fits.
  [[nodiscard]] std::string last(std::size_t bytes) const;

  /// Forgets the past; followers stay.
  void clear();

  /// Gets every later line with its line end, until it is told to stop. May not unfollow in its
  /// call. One that wants parts gets that which is shown now at once.
  [[nodiscard]] FollowerId follow(Follower follower, Wants wants = Wants::Lines);
  void unfollow(FollowerId id);
  [[nodiscard]] bool is_followed() const { return !followers_.empty(); }

 private:
  friend class TailBudget;
  void drop_oldest();
  struct Following {
    Follower send;
    Wants wants;
    std::string shown;  ///< Of the line that has no end yet.

    void show(std::string_view line_so_far);
    /// The line has ended; with its line end.
    void end(std::string_view line);
  };

  TailBudget& budget_;
  std::vector<std::string> chunks_;  // Whole lines each, the oldest first; trimmed by the chunk.
  std::size_t size_ = 0;             // Bytes of text in them.
  std::uint64_t last_line_ = 0;      // When the last line came, by the budget's clock.
  std::string part_;                 // The line that has no end yet, if it was shown.
  std::map<FollowerId, Following> followers_;
  std::uint64_t next_follower_ = 1;
};

/// The tails of one pool, by slot.
class Tails {
 public:
  explicit Tails(TailBudget& budget) : budget_(budget) {}
  ~Tails() { shrink_to(0); }
  Tails(const Tails&) = delete;
  Tails& operator=(const Tails&) = delete;

  [[nodiscard]] TailBuffer& of(int slot) { return tails_.try_emplace(slot, budget_).first->second; }
  [[nodiscard]] const std::map<int, TailBuffer>& all() const { return tails_; }
  /// One more than the highest slot that has a tail.
  [[nodiscard]] int end() const { return tails_.empty() ? 0 : tails_.rbegin()->first + 1; }
  /// Forgets the tails from slot `end` on. A followed one stays, without its past: the slot may
  /// come back.
  void shrink_to(int end);

 private:
  TailBudget& budget_;
  std::map<int, TailBuffer> tails_;
};

}  // namespace reeve::supervisor
