#include "tests/e2e/harness/sanitizer_reports.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "tests/e2e/harness/temp_dir.hpp"

namespace reeve::e2e {
namespace {

constexpr std::array kVariables = {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};
constexpr std::string_view kPrefix = "report";

/// After what is there already: the last of two equal options counts.
void add_option(const char* variable, const std::string& option) {
  const char* before = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread so far.
  const std::string value = before != nullptr ? fmt::format("{}:{}", before, option) : option;
  ::setenv(variable, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

SanitizerReports::SanitizerReports() {
  std::string pattern = "/tmp/reeve-sanitizers-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  directory_ = pattern;
  ::chmod(pattern.c_str(), 01777);  // A worker may be another user.
  const std::string option =
      fmt::format("log_exe_name=1:log_path={}", (directory_ / kPrefix).string());
  for (const char* variable : kVariables) add_option(variable, option);
}

SanitizerReports::~SanitizerReports() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<std::string> SanitizerReports::take() {
  std::vector<std::string> reports;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, gone)) {
    const std::string name = entry.path().filename().string();
    reports.push_back(fmt::format("{}:\n{}", name, read_file(entry.path())));
    std::filesystem::remove(entry.path(), gone);
  }
  std::ranges::sort(reports);
  return reports;
}

}  // namespace reeve::e2e
