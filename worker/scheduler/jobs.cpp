#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "reeve/job.hpp"

namespace reeve {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostNameBytes = 64;
constexpr int kMostInstances = 1000;
constexpr std::chrono::milliseconds kLongestGrace = std::chrono::hours(24 * 7);
constexpr std::chrono::milliseconds kLongestJitter = std::chrono::hours(24);

[[noreturn]] void refuse(std::string_view name, std::string_view why) {
  throw std::invalid_argument(fmt::format("job \"{}\": {}", name, why));
}

bool is_printable(unsigned char byte) { return byte >= 0x20 && byte != 0x7f; }

void check(const Job& job) {
  const std::string& name = job.name;
  if (name.empty()) refuse(name, "it needs a name");
  if (name.size() > kMostNameBytes) refuse(name, "its name is longer than 64 bytes");
  if (!std::ranges::all_of(name, is_printable)) refuse("?", "its name is not printable");

  const JobOptions& options = job.options;
  if (options.max_instances < 1 || options.max_instances > kMostInstances) {
    refuse(name, "max_instances is not between 1 and 1000");
  }
  if (options.misfire_grace < 0ms || options.misfire_grace > kLongestGrace) {
    refuse(name, "misfire_grace is negative, or longer than 7 days");
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
