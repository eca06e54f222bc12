#include "tests/e2e/harness/ticks.hpp"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

namespace reeve::e2e {
namespace {

std::int64_t milliseconds_of(const std::string& date_and_time, const std::string& milliseconds) {
  std::tm fields{};
  if (::strptime(date_and_time.c_str(), "%Y-%m-%dT%H:%M:%S", &fields) == nullptr) return 0;
  return ::timegm(&fields) * 1000 + std::stoll(milliseconds);
}

}  // namespace

std::map<std::int64_t, int> grants_in(const std::string& master_log) {
  static const std::regex kGrant(
      R"(pid (\d+) may do the run of scheduled job \S+ due at (\S+)\.(\d\d\d)Z)");
  std::map<std::int64_t, int> grants;
  for (std::sregex_iterator found(master_log.begin(), master_log.end(), kGrant), end; found != end;
       ++found) {
    grants[milliseconds_of((*found)[2], (*found)[3])] = std::stoi((*found)[1]);
  }
  return grants;
}

std::vector<TickRun> read_runs(const std::filesystem::path& file) {
  std::vector<TickRun> runs;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line) && !stream.eof();) {
    std::istringstream fields(line);
    TickRun run;
    if (fields >> run.due_ms >> run.fence >> run.pid) runs.push_back(run);
  }
  return runs;
}

TickVerdict judge_ticks(const std::vector<TickRun>& runs, std::chrono::milliseconds period,
                        const std::string& master_log, const std::set<int>& killed) {
  TickVerdict verdict{.faults = {}, .runs = runs.size()};
  const auto fault = [&verdict](std::string text) { verdict.faults.push_back(std::move(text)); };
  std::map<std::int64_t, TickRun> done;
  std::map<std::uint64_t, int> holders;
  std::uint64_t fence = 0;
  for (const TickRun& run : runs) {
    const auto [first, is_new] = done.emplace(run.due_ms, run);
    if (!is_new) {
      fault(fmt::format("the tick of {} was done by pid {} and by pid {}", run.due_ms,
                        first->second.pid, run.pid));
    }
    if (run.fence < fence) fault(fmt::format("fence {} after {}", run.fence, fence));
    fence = std::max(fence, run.fence);
    const auto holder = holders.emplace(run.fence, run.pid).first;
    if (holder->second != run.pid) {
      fault(fmt::format("pids {} and {} have the same fence", holder->second, run.pid));
    }
  }
  verdict.holders = holders.size();
  if (done.empty()) {
    fault("no tick was done");
    return verdict;
  }
  const auto grants = grants_in(master_log);
  for (auto due = done.begin()->first; due <= done.rbegin()->first; due += period.count()) {
    if (done.contains(due)) continue;
    const auto grant = grants.find(due);
    if (grant != grants.end() && killed.contains(grant->second)) {
      ++verdict.excused;
    } else {
      fault(fmt::format(
          "nobody has done the tick of {}{}", due,
          grant == grants.end()
              ? ", which nobody was granted"
              : fmt::format(", granted to pid {}, which was not killed", grant->second)));
    }
  }
  return verdict;
}

}  // namespace reeve::e2e
