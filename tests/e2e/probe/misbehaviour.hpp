#pragma once
// How a test makes a probe misbehave, by environment variables. Read once, before the worker
// starts.
//
//   PROBE_FAIL_RESOURCE=cache    opening that resource fails
//   PROBE_DOWN_UNTIL=/tmp/x      "cache" is optional, and down until that file exists
//   PROBE_HANG_RESOURCE=cache    opening that resource never ends; the start_timeout must
//   PROBE_HANG_CLOSE=cache       closing that resource never ends; its deadline must
//   PROBE_SLOW_OPEN_MS=200       opening each resource takes so long
//   PROBE_EXIT_AFTER_START=3     exits with that code, without a drain, soon after its start
//   PROBE_EXIT_AFTER_MS=50       how soon after the last resource is open; 50 by default
//   PROBE_ANSWER=500             answers GET / with that status
//   PROBE_IGNORE_TERM=1          blocks the loop for ever instead of ending
//   PROBE_THREADS=2              threads of the pool, instead of the default
//   PROBE_QUEUE=4                calls that may wait for one

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::probe {

struct Misbehaviour {
  std::string fail_resource;
  std::string down_until;
  std::string hang_resource;
  std::string hang_close;
  std::chrono::milliseconds slow_open{};
  std::optional<int> exit_after_start;
  std::chrono::milliseconds exit_after{50};
  int answer = 200;
  bool ignore_term = false;
  std::optional<int> threads;
  std::optional<int> queue;
};

[[nodiscard]] Misbehaviour read_misbehaviour();

/// Blocks the calling thread until SIGKILL.
[[noreturn, gnu::noinline]] void refuse_to_end();  // Its name stands in a stack.

/// Ends the process with `code` after `delay`, from a thread of its own: the worker does not see it
/// coming.
void exit_later(int code, std::chrono::milliseconds delay);

/// What /misbehave?how=NAME does; false for a name that is none.
///
///   spin      the loop never returns
///   deadlock  the loop and another thread wait for each other's mutex, for ever
///   segv      reads what is not there, in a function of its own
///   throw     an exception that nobody catches, in a thread of its own
///   alloc     takes memory until there is none
///   exit      ends with code 0, without a drain
///   close     closes its line to the master, which is not its own to close
///   stop      stops itself by SIGSTOP
///   race      two threads write to the same place; nothing comes of it but a sanitizer's report
///   leak      loses a byte of memory, of which a sanitizer tells at the end
[[nodiscard]] bool misbehave(std::string_view how);

}  // namespace reeve::probe
