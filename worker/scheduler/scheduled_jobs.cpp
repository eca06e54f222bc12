#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/text.hpp"
#include "reeve/scheduled_job.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostNameBytes = 64;
constexpr int kMostInstances = 1000;
/// A run begins a little later than due always, and waits for an answer of the master.
constexpr std::chrono::milliseconds kShortestGrace = 1s;
constexpr std::chrono::milliseconds kLongestGrace = std::chrono::hours(24 * 7);
constexpr std::chrono::milliseconds kLongestJitter = std::chrono::hours(24);

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw std::invalid_argument(fmt::format("scheduled job \"{}\": {}", name, why));
}

void check(const ScheduledJob& scheduled) {
  const std::string& name = scheduled.name;
  if (name.empty()) refuse(name, "it needs a name");
  if (name.size() > kMostNameBytes) refuse(name, "its name is longer than 64 bytes");
  // The master answers with the name as it came: one that is changed on the way finds nothing.
  if (const std::string sent = ipc::printable(name, kMostNameBytes); sent != name) {
    refuse(sent, "its name has characters that are not printable, or is not UTF-8");
  }

  const ScheduleOptions& options = scheduled.options;
  if (options.max_instances < 1 || options.max_instances > kMostInstances) {
    refuse(name, "max_instances is not between 1 and 1000");
  }
  if (options.misfire_grace < kShortestGrace || options.misfire_grace > kLongestGrace) {
    refuse(name, "misfire_grace is not between 1 s and 7 days: a shorter one misses every run");
  }
  if (options.jitter < 0ms || options.jitter > kLongestJitter) {
    refuse(name, "jitter is negative, or longer than 24 hours");
  }
}

}  // namespace

void ScheduledJobs::add(ScheduledJob scheduled) {
  check(scheduled);
  if (find(scheduled.name) != nullptr) refuse(scheduled.name, "there is one of this name already");
  if (all_.size() >= kMost)
    refuse(scheduled.name, fmt::format("a worker has {} scheduled jobs at most", kMost));
  all_.push_back(std::move(scheduled));
}

const ScheduledJob* ScheduledJobs::find(std::string_view name) const {
  const auto found = std::ranges::find(all_, name, &ScheduledJob::name);
  return found == all_.end() ? nullptr : &*found;
}

}  // namespace reeve
