#include "tests/e2e/probe/misbehaviour.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace reeve::probe {
namespace {

std::string text(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_set(const char* name) { return !text(name).empty(); }

int number(const char* name) { return std::atoi(text(name).c_str()); }

std::chrono::milliseconds environment_ms(const char* name, std::chrono::milliseconds fallback) {
  return is_set(name) ? std::chrono::milliseconds(number(name)) : fallback;
}

[[gnu::noinline]] void spin_for_ever() {
  static std::atomic<bool> ended = false;
  while (!ended) {
  }
}

[[gnu::noinline]] void wait_for_each_other() {
  static std::mutex first;
  static std::mutex second;
  static std::latch both(2);
  std::thread([] {
    const std::lock_guard mine(second);
    both.arrive_and_wait();
    const std::lock_guard other(first);
  }).detach();
  const std::lock_guard mine(first);
  both.arrive_and_wait();
  const std::lock_guard other(second);
}

[[gnu::noinline]] void read_what_is_not_there(const volatile int* nothing) { std::exit(*nothing); }

/// Touched, so that it counts; without an end, so that only a limit ends it.
void take_all_memory() {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  for (;;) std::memset(std::malloc(kStep), 1, kStep);
}

/// Neither waits for the other before it writes, whichever is first.
[[gnu::noinline]] int write_beside_each_other() {
  static int shared = 0;
  std::thread other([] { shared = 1; });
  shared = 2;
  other.join();
  return shared;
}

[[gnu::noinline]] int lose_a_byte() {
  const char* volatile lost = new char('a');
  return *lost;
}

/// The channel is the only socket of its type: SOCK_SEQPACKET.
void close_channel() {
  for (int fd = 3; fd < 1024; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    const bool is_socket = ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    if (is_socket && type == SOCK_SEQPACKET) ::close(fd);
  }
}

}  // namespace

Misbehaviour read_misbehaviour() {
  Misbehaviour how;
  how.fail_resource = text("PROBE_FAIL_RESOURCE");
  how.down_until = text("PROBE_DOWN_UNTIL");
  how.hang_resource = text("PROBE_HANG_RESOURCE");
  how.hang_close = text("PROBE_HANG_CLOSE");
  how.slow_open = environment_ms("PROBE_SLOW_OPEN_MS", how.slow_open);
  how.exit_after = environment_ms("PROBE_EXIT_AFTER_MS", how.exit_after);
  if (is_set("PROBE_ANSWER")) how.answer = number("PROBE_ANSWER");
  if (is_set("PROBE_THREADS")) how.threads = number("PROBE_THREADS");
  if (is_set("PROBE_QUEUE")) how.queue = number("PROBE_QUEUE");
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

bool misbehave(std::string_view how) {
  if (how == "spin") {
    spin_for_ever();
  } else if (how == "deadlock") {
    wait_for_each_other();
  } else if (how == "segv") {
    read_what_is_not_there(nullptr);
  } else if (how == "throw") {
    std::thread([] { throw std::runtime_error("the queue is on fire"); }).detach();
  } else if (how == "alloc") {
    take_all_memory();
  } else if (how == "exit") {
    std::_Exit(0);
  } else if (how == "close") {
    close_channel();
  } else if (how == "stop") {
    ::raise(SIGSTOP);
  } else if (how == "race") {
    return write_beside_each_other() > 0;
  } else if (how == "leak") {
    return lose_a_byte() == 'a';
  } else {
    return false;
  }
  return true;
}

}  // namespace reeve::probe
