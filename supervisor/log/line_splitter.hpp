#pragma once
// Cuts a stream of bytes into lines. Pure. Keeps bytes as they are, whatever their encoding.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/format/fields.hpp"

namespace reeve::supervisor {

class LineSplitter {
 public:
  static constexpr std::size_t kDefaultLimit = 64UL << 10;
  static constexpr std::size_t kLeastLimit = 256;
  static constexpr std::size_t kMostLimit = 1UL << 20;

  /// Gets each line without its line end, valid during the call.
  using OnLine = std::function<void(std::string_view line)>;

  /// The last line so far, for another splitter to go on with.
  struct State {
    using Flat = void;
    std::string partial;
    bool cut = false;                   ///< it goes on with a line of which a piece was given
    std::size_t limit = kDefaultLimit;  ///< bytes of the longest line
  };

  explicit LineSplitter(OnLine on_line) : LineSplitter(std::move(on_line), State()) {}
  LineSplitter(OnLine on_line, State state);
  [[nodiscard]] const State& state() const { return state_; }

  /// A line longer than the limit is given in pieces, as if it were several.
  void feed(std::string_view bytes);
  /// The stream has ended: gives the last line if it has no line end.
  void finish();

 private:
  void add(std::string_view part);
  void end_line();

  OnLine on_line_;
  State state_;
};
REEVE_FIELDS(LineSplitter::State, partial, cut, limit)

}  // namespace reeve::supervisor
