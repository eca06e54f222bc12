#include "supervisor/postmortem/findings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "ipc/base/byte_size.hpp"
#include "ipc/base/counted.hpp"

namespace reeve::supervisor {
namespace {

// A thread that is found running twice, and got at least so much of a CPU, on a busy machine too.
constexpr int kSpinsPercent = 20;
constexpr int kBusyPercent = 60;

constexpr std::size_t kMostShownFrames = 8;

int percent_of_a_cpu(const ThreadFacts& before, const ThreadFacts& after, Duration between) {
  const auto wall = std::chrono::duration_cast<std::chrono::milliseconds>(between).count();
  if (wall <= 0) return 0;
  // The kernel counts in ticks of 10 ms: a reading may be one too high.
  return static_cast<int>(
      std::clamp<std::int64_t>((after.cpu_time - before.cpu_time).count() * 100 / wall, 0, 100));
}

bool waits_for_events(const ThreadFacts& thread) {
  const auto is_epoll = [](const std::string& name) {
    return name.starts_with("ep_poll") || name.starts_with("do_epoll_wait") ||
           name.starts_with("epoll_");
  };
  return is_epoll(thread.wait_channel) || is_epoll(thread.system_call);
}

std::string where_it_sleeps(const ThreadFacts& thread) {
  const std::string& call = thread.system_call;
  const std::string& channel = thread.wait_channel;
  if (channel.empty() && call.empty()) return "an unknown place (the kernel does not say)";
  if (channel.empty() || call.empty()) return channel + call;
  return fmt::format("{} (system call {})", channel, call);
}

std::string usage(const ProcFacts& facts) {
  std::vector<std::string> parts;
  if (facts.resident_bytes) parts.push_back(ipc::short_size(*facts.resident_bytes) + " resident");
  if (facts.peak_bytes) parts.push_back(ipc::short_size(*facts.peak_bytes) + " at most");
  if (facts.descriptors) {
    const bool more = *facts.descriptors >= ProcFacts::kMostDescriptors;
    parts.push_back(more ? fmt::format("{} or more open descriptors", *facts.descriptors)
                         : ipc::counted(*facts.descriptors, "open descriptor"));
  }
  parts.push_back(ipc::counted(facts.thread_count, "thread"));
  return fmt::format("it uses {}", fmt::join(parts, ", "));
}

/// A thread that waits for work to come.
bool idles(std::span<const std::string> stack) {
  return stack.front().ends_with("(watch):") ||
         std::ranges::any_of(stack, [](const std::string& frame) {
           return frame.contains("epoll_") || frame.contains("pthread_cond_");
         });
}

/// The first one, which is the loop's; while that idles, the first that does not.
std::vector<std::string> stack_that_matters(std::span<const std::string> lines, bool first_idles) {
  const auto begins = [](const std::string& line) { return line.starts_with("thread "); };
  std::span<const std::string> chosen;
  while (!lines.empty()) {
    const auto next = std::find_if(lines.begin() + 1, lines.end(), begins);
    const auto stack = lines.first(static_cast<std::size_t>(next - lines.begin()));
    lines = lines.subspan(stack.size());
    if (chosen.empty()) chosen = stack;
    if (!first_idles) break;
    if (idles(stack)) continue;
    chosen = stack;
    break;
  }
  const auto shown = chosen.first(std::min(chosen.size(), kMostShownFrames + 1));
  return {shown.begin(), shown.end()};
}

const ThreadFacts& earlier(const Looks& looks, const ThreadFacts& thread) {
  const auto found = std::ranges::find(looks.first.threads, thread.tid, &ThreadFacts::tid);
  return found == looks.first.threads.end() ? thread : *found;
}

}  // namespace

std::string how_it_hangs(const ThreadFacts& before, const ThreadFacts& after, Duration between) {
  const int percent = percent_of_a_cpu(before, after, between);
  switch (after.state) {
    case 'T':
      return "is stopped (SIGSTOP)";
    case 't':
      return "is stopped by a debugger";
    case 'Z':
    case 'X':
      return "has ended";
    case 'D':
      return fmt::format("is blocked in the kernel, uninterruptible, in {}",
                         where_it_sleeps(after));
    case 'R':
      if (percent >= kBusyPercent || (before.state == 'R' && percent >= kSpinsPercent)) {
        return fmt::format("spins: {} % CPU", percent);
      }
      return fmt::format("runs: {} % CPU", percent);
    default:
      break;
  }
  if (percent >= kBusyPercent) return fmt::format("is busy: {} % CPU", percent);
  if (waits_for_events(after))
    return fmt::format("waits for events, in {}", where_it_sleeps(after));
  return fmt::format("is blocked in {}", where_it_sleeps(after));
}

Findings findings(const Looks& looks, const ipc::BlackBoxReading& box, bool native) {
  Findings found;
  std::vector<std::string>& lines = found.rest;
  const auto& threads = looks.second.threads;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    const ThreadFacts& thread = threads[i];
    const std::string doing = how_it_hangs(earlier(looks, thread), thread, looks.between);
    if (i == 0) {
      found.first.push_back(
          fmt::format("{} {}", native ? "the loop thread" : "its first thread", doing));
      lines.push_back(usage(looks.second));
    } else {
      lines.push_back(fmt::format("thread {} ({}) {}", thread.tid, thread.name, doing));
    }
  }
  if (looks.second.thread_count > threads.size()) {
    lines.push_back(fmt::format(
        "and {}", ipc::counted(looks.second.thread_count - threads.size(), "further thread")));
  }
  if (!box.stacks.empty()) {
    const bool idles = threads.empty() || waits_for_events(threads.front());
    std::ranges::copy(stack_that_matters(box.stacks, idles), std::back_inserter(found.first));
    lines.emplace_back("the stacks of its threads:");
    std::ranges::copy(box.stacks, std::back_inserter(lines));
    if (!box.dumped) lines.emplace_back("(incomplete: there was no time for more)");
    return found;
  }
  if (box.answers && is_stopped(looks.second)) {
    found.first.emplace_back("no stacks: a stopped process runs no handler");
  } else if (box.answers) {
    found.first.emplace_back("no stacks: it did not answer the signal that asks for them");
  }
  for (const ThreadFacts& thread : threads) {
    if (thread.kernel_stack.empty()) continue;
    lines.push_back(fmt::format("the kernel's stack of thread {} ({}):", thread.tid, thread.name));
    for (const std::string& line : thread.kernel_stack) lines.push_back("  " + line);
  }
  return found;
}

bool is_stopped(const ProcFacts& facts) {
  return !facts.threads.empty() && std::ranges::all_of(facts.threads, [](const ThreadFacts& one) {
    return one.state == 'T' || one.state == 't';
  });
}

}  // namespace reeve::supervisor
