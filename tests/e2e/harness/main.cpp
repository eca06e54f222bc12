// The suite's main: adopts what a killed master leaves behind, and sweeps it away at the end. A
// test fails by any report of a sanitizer, whichever process it is of.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/sanitizer_reports.hpp"

namespace {

using reeve::e2e::SanitizerReports;

class FailOnReports : public ::testing::EmptyTestEventListener {
 public:
  explicit FailOnReports(SanitizerReports& reports) : reports_(reports) {}

  void OnTestEnd(const ::testing::TestInfo&) override {
    for (const std::string& report : reports_.take()) ADD_FAILURE() << report;
  }

 private:
  SanitizerReports& reports_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  reeve::e2e::adopt_orphans();
  SanitizerReports reports;
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  auto* const printer = listeners.Release(listeners.default_result_printer());
  listeners.Append(new FailOnReports(reports));  // First, or its failures would not be printed.
  listeners.Append(printer);

  const int result = RUN_ALL_TESTS();
  reeve::e2e::kill_descendants();
  const std::vector<std::string> late = reports.take();
  for (const std::string& report : late) fmt::print(stderr, "after the last test, {}\n", report);
  return late.empty() ? result : 1;
}
