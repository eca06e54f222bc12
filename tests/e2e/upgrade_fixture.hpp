#pragma once
// A master that runs a copy of the binary, which the test may replace as an installation does: by a
// rename.

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/reeve_test.hpp"

namespace reeve::e2e {

/// Prints numbered lines as fast as it can, each in two writes.
inline constexpr std::string_view kCounter = R"(#!/usr/bin/python3
import os
n = 0
while True:
    os.write(1, b"count ")
    os.write(1, b"%d\n" % n)
    n += 1
)";

class UpgradeTest : public ReeveTest {
 protected:
  Reeve& start_copy(std::string_view toml, Environment env = {}) {
    install(binary("reeve"));
    return start_ready(toml, std::move(env), program());
  }
  [[nodiscard]] std::string program() const { return (dir / "reeve-copy").string(); }

  void install(const std::filesystem::path& file) const {
    std::filesystem::copy_file(file, dir / "reeve-new");
    std::filesystem::rename(dir / "reeve-new", program());
  }

  /// The one verdict of `reevectl upgrade`.
  [[nodiscard]] static ipc::control::Verdict upgrade(const Reeve& reeve) {
    const auto reply = reeve.ask({.method = ipc::control::Method::Upgrade});
    if (reply.verdicts.size() == 1) return reply.verdicts.front();
    return {.name = "", .ok = false, .code = "none", .text = reply.error.value_or("no verdict")};
  }
};

}  // namespace reeve::e2e
