#pragma once
// Keeps secrets out of what the runtime says: a failed open quotes its URL, password and all. It
// knows the values, and replaces them wherever they stand in a text. It cannot know them encoded,
// and does not look for values that are too short to be told from other text. Any thread.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::worker {

class Redactor {
 public:
  /// Shorter ones are not looked for.
  static constexpr std::size_t kShortest = 4;

  /// Hides `value`, each line of it where it has several, and the password in it where it is a URL.
  void hide(std::string_view value);

  /// `text` with "***" in the place of each secret. Without secrets: a copy.
  [[nodiscard]] std::string redact(std::string_view text) const;

 private:
  void hide_one(std::string_view value);

  mutable std::mutex mutex_;
  std::vector<std::string> values_;  ///< The longest first: one may be a part of another.
};

}  // namespace reeve::worker
