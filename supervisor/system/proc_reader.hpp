#pragma once
// Facts about a process from /proc. Every reading is bounded and never waits for the process. What
// cannot be read (another user's, a hardened kernel, a process that has just gone) is left out. Any
// thread.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reeve::supervisor {

/// One thread, at one moment.
struct ThreadFacts {
  pid_t tid = 0;
  pid_t group = 0;  ///< of its process
  std::string name;
  char state = '?';  ///< R running, S sleeping, D uninterruptible, T stopped, t traced, Z dead
  std::chrono::milliseconds cpu_time{};
  std::string wait_channel;               ///< the kernel function that it sleeps in
  std::string system_call;                ///< "futex"; empty: none, or not readable
  std::vector<std::string> kernel_stack;  ///< for root only, as a rule

  bool operator==(const ThreadFacts&) const = default;
};

struct ProcFacts {
  std::vector<ThreadFacts> threads;  ///< at most kMostThreads, the first thread first
  std::size_t thread_count = 0;      ///< of all
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> peak_bytes;
  std::optional<std::size_t> descriptors;  ///< open ones; kMostDescriptors: so many or more

  static constexpr std::size_t kMostThreads = 32;
  static constexpr std::size_t kMostDescriptors = 4096;
};

/// Nothing when there is no such process.
[[nodiscard]] std::optional<ProcFacts> read_proc(pid_t pid);

/// The memory that the process itself holds resident, from /proc/PID/statm.
[[nodiscard]] std::optional<std::uint64_t> resident_bytes(pid_t pid);

/// The processes of a group, without those that are dead and only not reaped. Looks at everyone.
[[nodiscard]] std::vector<pid_t> living_in_group(pid_t group);

/// The children of this process, of its main thread. Of a subreaper also the orphans below it.
[[nodiscard]] std::vector<pid_t> own_children();
/// Whether the environment with which it was started has this "NAME=value". A process that is stuck
/// in the kernel is not asked.
[[nodiscard]] bool has_in_environment(pid_t pid, std::string_view variable);

/// The listening TCP sockets of this network namespace: their inodes, and on which port.
[[nodiscard]] std::map<std::uint64_t, int> listening_sockets();
/// The inodes of the sockets that a process has open, by descriptor.
[[nodiscard]] std::map<int, std::uint64_t> open_sockets(pid_t pid);
/// "dash", of the program that it runs, whatever it calls itself; empty: not readable.
[[nodiscard]] std::string program_of(pid_t pid);

/// "sleep (pid 12)"
[[nodiscard]] std::string name_of_process(pid_t pid);

// The parsers of those files; pure.

/// A line of /proc/PID/stat or /proc/PID/task/TID/stat. The name in it may hold anything, ") R 1"
/// too.
[[nodiscard]] std::optional<ThreadFacts> parse_thread_stat(std::string_view text,
                                                           std::int64_t ticks_a_second);
/// "VmHWM:	  1234 kB" in /proc/PID/status, in bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_status_size(std::string_view status,
                                                             std::string_view key);
/// A line of /proc/net/tcp or tcp6: inode and port of a listening socket; none: it is another one.
[[nodiscard]] std::optional<std::pair<std::uint64_t, int>> parse_listening(std::string_view line);
/// "202 0x7f.. ..." of /proc/PID/task/TID/syscall as "futex"; empty for "running" and nonsense.
[[nodiscard]] std::string parse_system_call(std::string_view text);

}  // namespace reeve::supervisor
