#pragma once
// The decisions of a provider, without loop and clock: which candidate to try, and what to report
// of the choice. Pure.

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reeve::worker {

class ProviderChoice {
 public:
  /// The best one first.
  explicit ProviderChoice(std::vector<std::string> candidates)
      : names_(std::move(candidates)), reasons_(names_.size()) {}

  /// The candidates to try now, one after another until one works: those that are better than the
  /// choice; all of them when there is none; and when it has failed, it comes last.
  [[nodiscard]] std::vector<std::size_t> round() const;
  /// Whether there is nothing to try: the best one is chosen and has not failed.
  [[nodiscard]] bool settled() const { return chosen_ == 0 && reasons_[0].empty(); }

  /// How an attempt ended.
  void works(std::size_t candidate);
  void fails(std::size_t candidate, std::string why);
  /// The choice has failed while it was used.
  void choice_fails(std::string_view why);

  [[nodiscard]] std::optional<std::size_t> chosen() const { return chosen_; }
  /// There is no choice that works.
  [[nodiscard]] bool in_trouble() const { return !chosen_ || !reasons_[*chosen_].empty(); }

  /// "choice: local (openai: refused)".
  [[nodiscard]] std::string text() const;
  /// "openai: refused; local: no model": why each of them fails that does.
  [[nodiscard]] std::string reasons() const;

  /// How long after `rounds` rounds without success, or after one that found something, the next
  /// one begins.
  [[nodiscard]] static std::chrono::milliseconds pause(int rounds, std::chrono::milliseconds most);

 private:
  std::vector<std::string> names_;
  std::vector<std::string> reasons_;  ///< Why the last attempt failed; empty: it did not, or none.
  std::optional<std::size_t> chosen_;
};

}  // namespace reeve::worker
