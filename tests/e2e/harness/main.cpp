// The suite's main: adopts what a killed master leaves behind, and sweeps it away at the end.

#include <gtest/gtest.h>

#include "tests/e2e/harness/process_tree.hpp"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  reeve::e2e::adopt_orphans();
  const int result = RUN_ALL_TESTS();
  reeve::e2e::kill_descendants();
  return result;
}
