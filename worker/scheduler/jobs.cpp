#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/text.hpp"
#include "reeve/job.hpp"

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
  throw std::invalid_argument(fmt::format("job \"{}\": {}", name, why));
}

void check(const Job& job) {
  const std::string& name = job.name;
  if (name.empty()) refuse(name, "it needs a name");
  if (name.size() > kMostNameBytes) refuse(name, "its name is longer than 64 bytes");
  // The master answers with the name as it came: one that is changed on the way finds no job.
  if (const std::string sent = ipc::printable(name, kMostNameBytes); sent != name) {
    refuse(sent, "its name has characters that are not printable, or is not UTF-8");
  }

  const JobOptions& options = job.options;
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

void Jobs::add(Job job) {
  check(job);
  if (find(job.name) != nullptr) refuse(job.name, "there is one of this name already");
  if (jobs_.size() >= kMost) refuse(job.name, fmt::format("a worker has {} jobs at most", kMost));
  jobs_.push_back(std::move(job));
}

const Job* Jobs::find(std::string_view name) const {
  const auto found = std::ranges::find(jobs_, name, &Job::name);
  return found == jobs_.end() ? nullptr : &*found;
}

}  // namespace reeve
