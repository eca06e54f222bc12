#include "worker/lifespan/provider_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reeve::worker {

std::vector<std::size_t> ProviderChoice::round() const {
  std::vector<std::size_t> candidates;
  const bool all = in_trouble();
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (i == chosen_) {
      if (!all) break;
      continue;
    }
    candidates.push_back(i);
  }
  if (all && chosen_) candidates.push_back(*chosen_);
  return candidates;
}

void ProviderChoice::works(std::size_t candidate) {
  chosen_ = candidate;
  reasons_[candidate].clear();
  // The reasons of worse candidates are old, and nobody asks them any more.
  for (std::size_t i = candidate + 1; i < reasons_.size(); ++i) reasons_[i].clear();
}

void ProviderChoice::fails(std::size_t candidate, std::string why) {
  reasons_[candidate] = why.empty() ? "failed" : std::move(why);
}

void ProviderChoice::choice_fails(std::string_view why) {
  if (chosen_) fails(*chosen_, std::string(why));
}

std::string ProviderChoice::text() const {
  const std::string why = reasons();
  const std::string name = chosen_ ? names_[*chosen_] : "none";
  return why.empty() ? fmt::format("choice: {}", name) : fmt::format("choice: {} ({})", name, why);
}

std::string ProviderChoice::reasons() const {
  std::string text;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (reasons_[i].empty()) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", names_[i], reasons_[i]);
  }
  return text;
}

std::chrono::milliseconds ProviderChoice::pause(int rounds, std::chrono::milliseconds most) {
  if (rounds <= 0) return most;
  std::chrono::milliseconds pause = std::chrono::seconds(1);
  for (int i = 1; i < rounds && pause < most; ++i) pause *= 2;
  return std::min(pause, most);
}

}  // namespace reeve::worker
