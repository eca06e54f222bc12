#pragma once
// The reports of sanitizers in other processes: in masters and in their workers, whose stderr goes
// through the master's log, where a passing test does not look. Each process writes its reports to
// a directory of this one, which fails when there is any. Without a sanitizer there never is one.

#include <filesystem>
#include <string>
#include <vector>

namespace reeve::e2e {

class SanitizerReports {
 public:
  /// Sets ASAN_OPTIONS, LSAN_OPTIONS, TSAN_OPTIONS and UBSAN_OPTIONS of this process, for those
  /// that it starts, and for theirs. A test that wants a report in the log instead sets them anew
  /// for its pool. Throws when there is no room for a directory. One thread, before the first
  /// child.
  SanitizerReports();
  ~SanitizerReports();
  SanitizerReports(const SanitizerReports&) = delete;
  SanitizerReports& operator=(const SanitizerReports&) = delete;

  /// The reports since the last call, a text each: which program, its pid, and the report.
  [[nodiscard]] std::vector<std::string> take();

 private:
  std::filesystem::path directory_;
};

}  // namespace reeve::e2e
