#pragma once
// The black box: text behind the recorder's page that a native worker writes when something is
// wrong with it, and the master reads: the stacks of its threads when it is asked for them, the
// stack of a crash, the exception that ended it. Written by signal handlers, so that everything
// here that writes is async-signal-safe. The master trusts nothing in it: it copies a bounded
// amount and makes it printable.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::ipc {

struct BlackBox {
  static constexpr std::uint64_t kAnswers = 0x31'58'4f'42;  // "BOX1"

  /// Lines of text. `size` counts what was to be written, also what had no room any more.
  template <std::size_t kBytes>
  struct Text {
    std::atomic<std::uint64_t> size;
    std::array<std::atomic<char>, kBytes> bytes;
  };

  std::atomic<std::uint64_t> answers;     ///< kAnswers: it handles stack_signal()
  std::atomic<std::uint64_t> dumped;      ///< not 0: all stacks are written
  Text<std::size_t{1} * 1024> exception;  ///< what std::terminate was called for
  Text<std::size_t{14} * 1024> crash;     ///< signal, address, stack of the thread
  Text<std::size_t{48} * 1024> stacks;    ///< of all threads
};
inline constexpr std::size_t kBlackBoxBytes = std::size_t{64} * 1024;
static_assert(sizeof(BlackBox) <= kBlackBoxBytes);
static_assert(std::atomic<char>::is_always_lock_free);

/// Asks a worker, by tgkill(2) to its first thread, for the stacks of its threads.
[[nodiscard]] int stack_signal();

/// Adds to a text of a black box; several threads may. Async-signal-safe.
class BlackBoxWriter {
 public:
  template <std::size_t kBytes>
  explicit BlackBoxWriter(BlackBox::Text<kBytes>& text) : size_(text.size), bytes_(text.bytes) {}
  void add(std::string_view text);

 private:
  std::atomic<std::uint64_t>& size_;
  std::span<std::atomic<char>> bytes_;
};

/// What the master copied out. Every line is printable, and names in it are readable.
struct BlackBoxReading {
  bool answers = false;
  bool dumped = false;
  std::vector<std::string> exception;
  std::vector<std::string> crash;
  std::vector<std::string> stacks;

  bool operator==(const BlackBoxReading&) const = default;
};
[[nodiscard]] BlackBoxReading read(const BlackBox& box);
/// The same without the text.
[[nodiscard]] bool answers(const BlackBox& box);
[[nodiscard]] bool dumped(const BlackBox& box);

}  // namespace reeve::ipc
