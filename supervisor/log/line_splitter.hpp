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
  static constexpr std::size_t kMaxLineBytes = 8192;
  static constexpr std::string_view kCutMark = " [cut]";

  /// Gets each line without its line end, valid during the call.
  using OnLine = std::function<void(std::string_view line)>;

  /// The last line so far, for another splitter to go on with.
  struct State {
    using Flat = void;
    std::string partial;
    bool cut = false;
  };

  explicit LineSplitter(OnLine on_line) : LineSplitter(std::move(on_line), State()) {}
  LineSplitter(OnLine on_line, State state);
  [[nodiscard]] const State& state() const { return state_; }

  /// A line longer than kMaxLineBytes is given once, cut and marked; the rest of it is dropped.
  void feed(std::string_view bytes);
  /// The stream has ended: gives the last line if it has no line end.
  void finish();

 private:
  void add(std::string_view part);
  void end_line();

  OnLine on_line_;
  State state_;
};
REEVE_FIELDS(LineSplitter::State, partial, cut)

}  // namespace reeve::supervisor
