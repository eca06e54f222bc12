#include "supervisor/postmortem/death_book.hpp"

#include <algorithm>
#include <utility>

namespace reeve::supervisor {

void DeathReports::keep(int slot, DeathReport report) {
  if (report.details.size() > kMostDetails) {
    report.details.resize(kMostDetails);
    report.details.emplace_back("(and more, which was not kept)");
  }
  reports_[slot] = std::move(report);
  std::erase(newest_, slot);
  newest_.push_back(slot);
  if (newest_.size() > kDetailed) {
    const int earlier = newest_[newest_.size() - kDetailed - 1];
    reports_[earlier].details = {"(its details were not kept: many have died since)"};
  }
  if (newest_.size() > kSlots) {
    reports_.erase(newest_.front());
    newest_.pop_front();
  }
}

const DeathReport* DeathReports::last(int slot) const {
  const auto found = reports_.find(slot);
  return found == reports_.end() ? nullptr : &found->second;
}

}  // namespace reeve::supervisor
