#include "tests/e2e/probe/misbehaviour.hpp"

#include <unistd.h>

#include <cstdlib>
#include <thread>

namespace reeve::probe {
namespace {

std::string text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_set(const char* name) { return !text(name).empty(); }

int number(const char* name) { return std::atoi(text(name).c_str()); }

std::chrono::milliseconds milliseconds(const char* name, std::chrono::milliseconds fallback) {
  return is_set(name) ? std::chrono::milliseconds(number(name)) : fallback;
}

}  // namespace

Misbehaviour read_misbehaviour() {
  Misbehaviour how;
  how.fail_resource = text("PROBE_FAIL_RESOURCE");
  how.hang_resource = text("PROBE_HANG_RESOURCE");
  how.hang_close = text("PROBE_HANG_CLOSE");
  how.slow_open = milliseconds("PROBE_SLOW_OPEN_MS", how.slow_open);
  how.exit_after = milliseconds("PROBE_EXIT_AFTER_MS", how.exit_after);
  how.ignore_term = number("PROBE_IGNORE_TERM") != 0;
  if (is_set("PROBE_EXIT_AFTER_START")) how.exit_after_start = number("PROBE_EXIT_AFTER_START");
  return how;
}

void refuse_to_end() {
  while (true) ::pause();
}

void exit_later(int code, std::chrono::milliseconds delay) {
  std::thread([code, delay] {
    std::this_thread::sleep_for(delay);
    std::_Exit(code);
  }).detach();
}

}  // namespace reeve::probe
