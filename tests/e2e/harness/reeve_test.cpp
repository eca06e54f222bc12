#include "tests/e2e/harness/reeve_test.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "tests/e2e/harness/process_tree.hpp"

namespace reeve::e2e {

namespace {

/// Enough of a log to see what happened; the whole of it is in the directory that is kept.
std::string_view last_lines(std::string_view log) {
  constexpr int kLines = 60;
  auto begin = log.size();
  for (int i = 0; i <= kLines && begin != std::string_view::npos && begin > 0; ++i) {
    begin = log.rfind('\n', begin - 1);
  }
  return log.substr(begin == std::string_view::npos || begin == 0 ? 0 : begin + 1);
}

/// A zombie does not count: what the master killed as it left is reaped by its new parent, this
/// test.
bool nobody_is_left() {
  return std::ranges::all_of(descendants(::getpid()),
                             [](const ProcessInfo& each) { return each.state == 'Z'; });
}

}  // namespace

Reeve& ReeveTest::start_ready(std::string_view toml, Environment env, std::string program) {
  Reeve& reeve = start(toml, std::move(env), std::move(program));
  if (!reeve.ready()) throw std::runtime_error("the master did not become ready:\n" + reeve.log());
  return reeve;
}

void ReeveTest::TearDown() {
  if (!master_) return;
  if (!master_->master().wait(0ms)) {
    master_->master().signal(SIGQUIT);
    EXPECT_TRUE(master_->master().wait()) << "the master did not end on QUIT";
  }
  EXPECT_TRUE(eventually(nobody_is_left, 1s)) << "processes were left behind";
  if (HasFailure()) fmt::print(stderr, "the master's log:\n{}\n", last_lines(master_->log()));
  master_.reset();
  kill_descendants();
}

std::string hello_pool(int workers, std::string_view more) {
  return pool("web", R"(["@hello@"])",
              fmt::format("workers = {}\nlisten = [\"http\"]\n{}", workers, more));
}

std::string probe_pool(int workers, std::string_view more) {
  return pool("web", R"(["@probe@"])",
              fmt::format("workers = {}\nlisten = [\"http\"]\n{}", workers, more));
}

std::string pool(std::string_view name, std::string_view command, std::string_view more) {
  return fmt::format("[pool.{}]\ncommand = {}\n{}\n", name, command, more);
}

int answering_pid(const Answer& answer) {
  if (!answer) return 0;
  if (const std::string pid = answer->header("x-pid"); !pid.empty()) return std::atoi(pid.c_str());
  const auto key = answer->body.find("\"pid\":");
  return key == std::string::npos ? 0 : std::atoi(answer->body.c_str() + key + 6);
}

}  // namespace reeve::e2e
