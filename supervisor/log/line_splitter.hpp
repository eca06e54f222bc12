#pragma once
// Cuts a stream of bytes into lines. Pure. Keeps bytes as they are, whatever their encoding.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace reeve::supervisor {

class LineSplitter {
 public:
  static constexpr std::size_t kMaxLineBytes = 8192;
  static constexpr std::string_view kCutMark = " [cut]";

  /// Gets each line without its line end, valid during the call.
  using OnLine = std::function<void(std::string_view line)>;

  explicit LineSplitter(OnLine on_line);

  /// A line longer than kMaxLineBytes is given once, cut and marked; the rest of it is dropped.
  void feed(std::string_view bytes);
  /// The last line so far, and whether it was cut: for another splitter to go on with.
  [[nodiscard]] const std::string& partial() const { return line_; }
  [[nodiscard]] bool cut() const { return cut_; }
  void go_on_with(std::string_view partial, bool cut);

  /// The stream has ended: gives the last line if it has no line end.
  void finish();

 private:
  void add(std::string_view part);
  void end_line();

  OnLine on_line_;
  std::string line_;
  bool cut_ = false;
};

}  // namespace reeve::supervisor
