// soak: mixed load from clients that never retry, while a pool is rolled, reconfigured, upgraded or
// killed. Exit code 0: what had to hold did. 1: it did not. 2: a bad command line.

#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>

#include "tests/e2e/harness/process_tree.hpp"
#include "tests/e2e/harness/sanitizer_reports.hpp"
#include "tests/soak/options.hpp"
#include "tests/soak/scenarios.hpp"

namespace {

using reeve::soak::Options;

int run(const Options& options) {
  switch (options.scenario) {
    case Options::Scenario::Deploys:
      return run_deploys(options);
    case Options::Scenario::Hups:
      return run_hups(options);
    case Options::Scenario::Upgrades:
      return run_upgrades(options);
    case Options::Scenario::Kills:
      return run_kills(options);
    case Options::Scenario::Recycles:
      return run_recycles(options);
    case Options::Scenario::Schedule:
      return run_schedule(options);
  }
  std::unreachable();
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = reeve::soak::parse(argc, argv);
  if (!options) return options.error();
  reeve::e2e::adopt_orphans();
  reeve::e2e::SanitizerReports reports;
  int code = 1;
  try {
    code = run(*options);
  } catch (const std::exception& error) {
    fmt::print("soak: {}\n", error.what());
  }
  reeve::e2e::kill_descendants();
  for (const std::string& report : reports.take()) {
    fmt::print("soak: FAILED: a sanitizer reports of {}\n", report);
    code = 1;
  }
  return code;
}
