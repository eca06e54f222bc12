#pragma once
// Secret: a text that is not shown by accident. It prints as "***", by iostreams and by fmt; the
// text itself has to be asked for. Every copy is wiped from memory when it ends. It refuses to be a
// vault: who may read the process's memory may read it. A value; any thread, as a std::string.
//
//   const auto key = reeve::Env::require<reeve::Secret>("API_KEY");
//   client.header("Authorization", "Bearer " + key.reveal());

#include <iosfwd>
#include <string>
#include <string_view>

namespace reeve {

/// A text that is never printed. Any thread, as a std::string.
class Secret {
 public:
  Secret() = default;
  /// `text` is wiped where it was moved from; what is copied stays where it is.
  explicit Secret(std::string&& text);
  /// A copy of `text`, which is not wiped.
  explicit Secret(std::string_view text) : text_(text) {}
  /// The same of a literal.
  explicit Secret(const char* text) : text_(text) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  /// The text itself. What is made of it is not wiped.
  [[nodiscard]] const std::string& reveal() const { return text_; }
  /// There is no text.
  [[nodiscard]] bool empty() const { return text_.empty(); }

  /// Takes as long for the first difference as for the last, so that an answer's time tells no
  /// guesser how much of it was right. The length is no secret.
  [[nodiscard]] bool equals(std::string_view other) const;
  friend bool operator==(const Secret& one, const Secret& other) { return one.equals(other.text_); }

  /// The text that is shown for any secret.
  static constexpr std::string_view kShown = "***";

 private:
  void wipe() noexcept;

  std::string text_;
};

std::ostream& operator<<(std::ostream& out, const Secret& secret);

/// For fmt, which finds these by argument-dependent lookup: the first from version 10, the second
/// up to version 9.
constexpr std::string_view format_as(const Secret& /*secret*/) { return Secret::kShown; }
constexpr std::string_view to_string_view(const Secret& /*secret*/) { return Secret::kShown; }

}  // namespace reeve
