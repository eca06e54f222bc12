#include "supervisor/system/proc_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>

#include "ipc/base/text.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/system/system_call_name.hpp"

namespace reeve::supervisor {
namespace {

constexpr std::size_t kMostBytes = 4096;
constexpr std::size_t kMostStackLines = 12;
constexpr std::size_t kNameBytes = 64;

/// The beginning of a file; empty when it cannot be read.
std::string read_start(const std::string& path) {
  const ipc::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return {};
  std::array<char, kMostBytes> bytes;
  const ssize_t size = ::read(fd.get(), bytes.data(), bytes.size());
  return size > 0 ? std::string(bytes.data(), static_cast<std::size_t>(size)) : std::string();
}

/// Calls `on_name` for each entry until it returns false. False when there is no such directory.
template <class OnName>
bool for_each_entry(const std::string& path, OnName on_name) {
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path.c_str()), close);
  if (!directory) return false;
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] != '.' && !on_name(std::string_view(entry->d_name))) break;
  }
  return true;
}

std::vector<std::string> lines_of(const std::string& text, std::size_t most) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; lines.size() < most && std::getline(in, line);) {
    lines.push_back(ipc::printable(line, kMostBytes));
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
  const bool readable = for_each_entry(fmt::format("/proc/{}/fd", pid), [&](std::string_view) {
    return ++count < ProcFacts::kMostDescriptors;
  });
  return readable ? std::optional(count) : std::nullopt;
}

}  // namespace

std::vector<pid_t> living_in_group(pid_t group) {
  std::vector<pid_t> living;
  for_each_entry("/proc", [&](std::string_view name) {
    if (!ipc::parse_number<pid_t>(name)) return true;
    const auto first = parse_thread_stat(read_start(fmt::format("/proc/{}/stat", name)), 1);
    const bool lives = first && first->state != 'Z' && first->state != 'X';
    if (lives && first->group == group) living.push_back(first->tid);
    return true;
  });
  return living;
}

std::string name_of_process(pid_t pid) {
  std::string name = read_start(fmt::format("/proc/{}/comm", pid));
  if (name.ends_with('\n')) name.pop_back();
  return fmt::format("{} (pid {})", ipc::printable(name, kNameBytes), pid);
}

std::optional<ProcFacts> read_proc(pid_t pid) {
  ProcFacts facts;
  std::vector<pid_t> tids;
  const bool there = for_each_entry(fmt::format("/proc/{}/task", pid), [&](std::string_view name) {
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
  const std::size_t begin = text.find(' ');
  if (begin == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(begin + 1);
  const auto pages = ipc::parse_number<std::uint64_t>(rest.substr(0, rest.find(' ')));
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
  std::size_t at = status.find(fmt::format("\n{}:", key));
  if (at == std::string_view::npos) return std::nullopt;
  at = status.find_first_of("0123456789", at + key.size() + 2);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view rest = status.substr(at);
  const auto kib = ipc::parse_number<std::uint64_t>(rest.substr(0, rest.find(' ')));
  return kib ? std::optional(*kib * 1024) : std::nullopt;
}

std::string parse_system_call(std::string_view text) {
  const auto number = ipc::parse_number<long>(text.substr(0, text.find_first_of(" \n")));
  if (!number || *number < 0) return {};  // "running"; -1: blocked outside of any.
  return system_call_name(*number);
}

}  // namespace reeve::supervisor
