#include "supervisor/system/proc_reader.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "ipc/base/text.hpp"
#include "supervisor/system/small_file.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMostBytes = 4096;
constexpr std::size_t kMostStackLines = 12;
constexpr std::size_t kNameBytes = 64;

struct SystemCall {
  long number;
  std::string_view name;
};

// Numbers differ from machine to machine, and the older calls are missing on the newer ones.
constexpr auto kSystemCalls = std::to_array<SystemCall>({
#ifdef SYS_open  // And its contemporaries.
    {SYS_open, "open"},
    {SYS_poll, "poll"},
    {SYS_select, "select"},
    {SYS_pause, "pause"},
    {SYS_epoll_wait, "epoll_wait"},
#endif
#ifdef SYS_epoll_pwait2
    {SYS_epoll_pwait2, "epoll_pwait2"},
#endif
    {SYS_accept, "accept"},
    {SYS_accept4, "accept4"},
    {SYS_clock_nanosleep, "clock_nanosleep"},
    {SYS_connect, "connect"},
    {SYS_epoll_pwait, "epoll_pwait"},
    {SYS_exit_group, "exit_group"},
    {SYS_fcntl, "fcntl"},
    {SYS_fdatasync, "fdatasync"},
    {SYS_flock, "flock"},
    {SYS_fsync, "fsync"},
    {SYS_futex, "futex"},
    {SYS_io_getevents, "io_getevents"},
    {SYS_msgrcv, "msgrcv"},
    {SYS_nanosleep, "nanosleep"},
    {SYS_openat, "openat"},
    {SYS_ppoll, "ppoll"},
    {SYS_pread64, "pread64"},
    {SYS_preadv, "preadv"},
    {SYS_pselect6, "pselect6"},
    {SYS_pwrite64, "pwrite64"},
    {SYS_read, "read"},
    {SYS_readv, "readv"},
    {SYS_recvfrom, "recvfrom"},
    {SYS_recvmmsg, "recvmmsg"},
    {SYS_recvmsg, "recvmsg"},
    {SYS_restart_syscall, "restart_syscall"},
    {SYS_rt_sigsuspend, "rt_sigsuspend"},
    {SYS_rt_sigtimedwait, "rt_sigtimedwait"},
    {SYS_semop, "semop"},
    {SYS_semtimedop, "semtimedop"},
    {SYS_sendmsg, "sendmsg"},
    {SYS_sendto, "sendto"},
    {SYS_wait4, "wait4"},
    {SYS_waitid, "waitid"},
    {SYS_write, "write"},
    {SYS_writev, "writev"},
});

/// The beginning of a file; empty when it cannot be read.
std::string read_start(const std::string& path) {
  return read_small_file(path, kMostBytes).value_or("");
}

std::vector<std::string> lines_of(std::string_view text, std::size_t most) {
  std::vector<std::string> lines;
  while (lines.size() < most && !text.empty()) {
    lines.push_back(ipc::printable(ipc::take_until(text, '\n'), kMostBytes));
  }
  return lines;
}

std::optional<ThreadFacts> read_thread(pid_t pid, pid_t tid) {
  const std::string folder = fmt::format("/proc/{}/task/{}/", pid, tid);
  static const std::int64_t kTicks = ::sysconf(_SC_CLK_TCK);
  auto thread = parse_thread_stat(read_start(folder + "stat"), kTicks);
  if (!thread) return std::nullopt;
  const std::string channel = read_start(folder + "wchan");
  if (channel != "0") thread->wait_channel = ipc::printable(channel, kNameBytes);
  thread->system_call = parse_system_call(read_start(folder + "syscall"));
  thread->kernel_stack = lines_of(read_start(folder + "stack"), kMostStackLines);
  return thread;
}

std::optional<std::size_t> count_descriptors(pid_t pid) {
  std::size_t count = 0;
  const bool readable = for_each_name_in(fmt::format("/proc/{}/fd", pid), [&](std::string_view) {
    return ++count < ProcFacts::kMostDescriptors;
  });
  return readable ? std::optional(count) : std::nullopt;
}

}  // namespace

std::vector<pid_t> living_in_group(pid_t group) {
  std::vector<pid_t> living;
  for_each_name_in("/proc", [&](std::string_view name) {
    if (!ipc::parse_number<pid_t>(name)) return true;
    const auto first = parse_thread_stat(read_start(fmt::format("/proc/{}/stat", name)), 1);
    const bool lives = first && first->state != 'Z' && first->state != 'X';
    if (lives && first->group == group) living.push_back(first->tid);
    return true;
  });
  return living;
}

std::vector<pid_t> own_children() {
  const std::string text =
      read_small_file(fmt::format("/proc/self/task/{}/children", ::getpid())).value_or("");
  std::vector<pid_t> children;
  std::string_view rest = text;
  while (const auto word = next_word(rest)) {
    if (const auto pid = ipc::parse_number<pid_t>(*word)) children.push_back(*pid);
  }
  return children;
}

bool has_in_environment(pid_t pid, std::string_view variable) {
  const auto first = parse_thread_stat(read_start(fmt::format("/proc/{}/stat", pid)), 1);
  if (!first || first->state == 'D') return false;  // The file is memory of the process.
  const std::string text = read_small_file(fmt::format("/proc/{}/environ", pid)).value_or("");
  std::string_view rest = text;
  while (!rest.empty()) {
    if (ipc::take_until(rest, '\0') == variable) return true;
  }
  return false;
}

std::map<std::uint64_t, int> listening_sockets() {
  std::map<std::uint64_t, int> sockets;
  for (const char* file : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    // The kernel lists those that listen before all others.
    const std::string text = read_small_file(file).value_or("");
    std::string_view rest = text;
    while (const auto line = ipc::next_line(rest)) {
      if (const auto socket = parse_listening(*line)) sockets.insert(*socket);
    }
  }
  return sockets;
}

std::optional<std::pair<std::uint64_t, int>> parse_listening(std::string_view line) {
  // "0: 0100007F:1F90 00000000:0000 0A ... inode", the inode as field 10 (proc_net_tcp).
  std::vector<std::string_view> fields;
  while (const auto word = next_word(line)) fields.push_back(*word);
  if (fields.size() < 10 || fields[3] != "0A") return std::nullopt;
  const auto inode = ipc::parse_number<std::uint64_t>(fields[9]);
  std::string_view port =
      fields[1].substr(std::min(fields[1].rfind(':'), fields[1].size() - 1) + 1);
  int number = 0;
  const auto [end, failed] =
      std::from_chars(port.data(), port.data() + port.size(), number, /*base=*/16);
  if (!inode || failed != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  return std::pair(*inode, number);
}

std::map<int, std::uint64_t> open_sockets(pid_t pid) {
  std::map<int, std::uint64_t> sockets;
  const std::string directory = fmt::format("/proc/{}/fd", pid);
  for_each_name_in(directory, [&](std::string_view name) {
    constexpr std::string_view kSocket = "socket:[";
    const std::string target = link_target(fmt::format("{}/{}", directory, name));
    if (target.starts_with(kSocket) && target.ends_with(']')) {
      const auto inode = ipc::parse_number<std::uint64_t>(
          std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1));
      const auto fd = ipc::parse_number<int>(name);
      if (fd && inode) sockets.emplace(*fd, *inode);
    }
    return sockets.size() < ProcFacts::kMostDescriptors;
  });
  return sockets;
}

std::string program_of(pid_t pid) {
  const std::string path = link_target(fmt::format("/proc/{}/exe", pid));
  return path.substr(path.rfind('/') + 1);
}

std::string name_of_process(pid_t pid) {
  std::string name = read_start(fmt::format("/proc/{}/comm", pid));
  if (name.ends_with('\n')) name.pop_back();
  return fmt::format("{} (pid {})", ipc::printable(name, kNameBytes), pid);
}

std::optional<ProcFacts> read_proc(pid_t pid) {
  ProcFacts facts;
  std::vector<pid_t> tids;
  const bool there =
      for_each_name_in(fmt::format("/proc/{}/task", pid), [&](std::string_view name) {
        if (const auto tid = ipc::parse_number<pid_t>(name)) tids.push_back(*tid);
        return tids.size() < ProcFacts::kMostDescriptors;
      });
  if (!there) return std::nullopt;
  facts.thread_count = tids.size();
  tids.resize(std::min(tids.size(), ProcFacts::kMostThreads));
  for (const pid_t tid : tids) {
    if (auto thread = read_thread(pid, tid)) facts.threads.push_back(std::move(*thread));
  }
  const auto first = std::ranges::find(facts.threads, pid, &ThreadFacts::tid);
  if (first != facts.threads.end()) std::rotate(facts.threads.begin(), first, first + 1);
  const std::string status = read_start(fmt::format("/proc/{}/status", pid));
  facts.resident_bytes = parse_status_size(status, "VmRSS");
  facts.peak_bytes = parse_status_size(status, "VmHWM");
  facts.descriptors = count_descriptors(pid);
  return facts;
}

std::optional<std::uint64_t> resident_bytes(pid_t pid) {
  const std::string text = read_start(fmt::format("/proc/{}/statm", pid));
  std::string_view rest = text;
  if (!next_word(rest)) return std::nullopt;
  const auto pages = ipc::parse_number<std::uint64_t>(next_word(rest).value_or(""));
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::optional<ThreadFacts> parse_thread_stat(std::string_view text, std::int64_t ticks_a_second) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');  // The last: the name may hold others.
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  ThreadFacts thread;
  const auto tid = ipc::parse_number<pid_t>(text.substr(0, text.find(' ')));
  if (!tid || ticks_a_second <= 0) return std::nullopt;
  thread.tid = *tid;
  thread.name = ipc::printable(text.substr(open + 1, close - open - 1), kNameBytes);

  // From field 3 on: the state; utime and stime are fields 14 and 15 (proc(5)).
  std::istringstream fields(std::string(text.substr(close + 1)));
  std::string skipped;
  if (!(fields >> thread.state >> skipped >> thread.group)) return std::nullopt;
  for (int field = 6; field < 14; ++field) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  if (!(fields >> user >> system)) return std::nullopt;
  thread.cpu_time = std::chrono::milliseconds((user + system) * 1000 / ticks_a_second);
  return thread;
}

std::optional<std::uint64_t> parse_status_size(std::string_view status, std::string_view key) {
  const auto kib = number_of(status, fmt::format("{}:", key));
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

std::string parse_system_call(std::string_view text) {
  const auto number = ipc::parse_number<long>(text.substr(0, text.find_first_of(" \n")));
  if (!number || *number < 0) return {};  // "running"; -1: blocked outside of any.
  const auto* known = std::ranges::find(kSystemCalls, *number, &SystemCall::number);
  return known == kSystemCalls.end() ? fmt::format("system call {}", *number)
                                     : std::string(known->name);
}

}  // namespace reeve::supervisor
