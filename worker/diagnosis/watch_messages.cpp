#include "worker/diagnosis/watch_messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "ipc/base/counted.hpp"
#include "ipc/base/duration.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMostFrames = 16;
constexpr std::size_t kMostNames = 4;
constexpr int kStarvedShare = 20;  // Less than one part in so many of a CPU is none.

std::string_view remedy(ActivityKind kind) {
  switch (kind) {
    case ActivityKind::Request:
      return "Make it a blocking handler (return Response), or use co_await offload(...) for what "
             "blocks.";
    case ActivityKind::Background:
    case ActivityKind::Scheduled:
    case ActivityKind::Resource:
      return "Make it a function that may block (no Task<>), or use co_await offload(...) for what "
             "blocks.";
    case ActivityKind::Other:
      break;
  }
  return "Use co_await offload(...) for what blocks.";
}

std::string calls(std::uint64_t count) { return ipc::counted(count, "call"); }

/// "GET /block on 5 of them (the oldest for 3.4 s), GET /report on 1 (for 0.2 s)"
std::string who_has_them(const PoolLook& look) {
  const std::vector<Occupants> all = occupants(look);
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), kMostNames); ++i) {
    text += fmt::format("{}{} on {} ({}for {})", i > 0 ? ", " : "", all[i].what, all[i].count,
                        all[i].count > 1 ? "the oldest " : "", ipc::short_duration(all[i].oldest));
  }
  if (all.size() > kMostNames) text += fmt::format(", and {} others", all.size() - kMostNames);
  return text.empty() ? "nothing any more" : text;
}

std::string who_waits(const PoolLook& look) {
  if (look.waiting == 0) return "no call waits for one";
  return fmt::format("{} wait{} for one, {} {}", calls(look.waiting), look.waiting == 1 ? "s" : "",
                     look.waiting == 1 ? "for" : "the first for",
                     ipc::short_duration(look.longest_wait));
}

std::string refusals(std::uint64_t count) {
  return count == 0 ? ""
                    : fmt::format("; {} found no room in the queue and {} refused (503)",
                                  calls(count), count == 1 ? "was" : "were");
}

bool is_below_the_task(std::string_view function) {
  return function.starts_with("reeve::worker::Root::resume") ||
         function.starts_with("std::__n4861::coroutine_handle");  // Where it is not inlined.
}

}  // namespace

std::string how_it_blocks(const std::optional<ThreadTimes>& spent, ipc::Duration between) {
  if (!spent || between <= ipc::Duration::zero()) return {};
  const ipc::Duration asleep = between - spent->on_cpu - spent->without_cpu;
  if (2 * spent->on_cpu > between) return "What blocks it computes.";
  if (2 * (spent->on_cpu + spent->without_cpu) > between) {
    // What never sleeps computes, however little of a CPU the others leave it.
    if (kStarvedShare * spent->on_cpu < between) return "The machine is busy and gives it no CPU.";
    return fmt::format("What blocks it computes; it got {} % of a CPU.",
                       100 * spent->on_cpu / between);
  }
  if (2 * asleep > between) return "What blocks it sleeps, in a system call or for a lock.";
  return {};
}

std::vector<std::string> starvation_began(const Starvation::Finding& finding,
                                          const Repeats::Untold& untold, const std::string& how,
                                          const std::vector<std::string>& stack) {
  std::string text = fmt::format(
      "{} blocks the event loop, for {} now; every other request of this worker waits. {}{}{}",
      finding.activity.name, ipc::short_duration(finding.lasted), how, how.empty() ? "" : " ",
      remedy(finding.activity.kind));
  if (untold.count > 0) {
    text += fmt::format(" ({} more since the last such line, the longest for {}.)",
                        untold.count == 1 ? "Once" : fmt::format("{} times", untold.count),
                        ipc::short_duration(untold.longest));
  }
  text += stack.empty() ? " No stack could be taken." : " Stack:";
  std::vector<std::string> lines{std::move(text)};
  for (const std::string& function : stack) {
    if (is_below_the_task(function)) break;
    if (lines.size() > kMostFrames) {
      lines.emplace_back("  (and more)");
      break;
    }
    lines.push_back(fmt::format("  #{} {}", lines.size() - 1, function));
  }
  return lines;
}

std::string starvation_lasts(const Starvation::Finding& finding, const std::string& how) {
  return fmt::format("{} still blocks the event loop, for {} now. {}", finding.activity.name,
                     ipc::short_duration(finding.lasted), how);
}

std::string starvation_ended(const Starvation::Finding& finding) {
  return fmt::format("{} no longer blocks the event loop; it did for {}", finding.activity.name,
                     ipc::short_duration(finding.lasted));
}

std::string exhaustion_began(const Exhaustion::Finding& finding, const PoolLook& look,
                             bool loop_is_healthy) {
  if (!look.all_taken) {
    return fmt::format(
        "the thread pool was full for a moment{}; its queue of {} is too short for such a burst; "
        "raise App::threads({{.queue = ...}})",
        refusals(finding.refused), look.queue);
  }
  return fmt::format(
      "the thread pool is exhausted{}: all {} threads are taken, by {}; {}{}. Bound what they wait "
      "for, make it a coroutine (Task<Response>), or raise App::threads({{.threads = {}, .queue = "
      "{}}}).",
      loop_is_healthy ? ", while the event loop is healthy" : "", look.threads, who_has_them(look),
      who_waits(look), refusals(finding.refused), look.threads, look.queue);
}

std::string exhaustion_lasts(const Exhaustion::Finding& finding, const PoolLook& look) {
  return fmt::format("the thread pool is still exhausted, for {} now: {}; {}{}",
                     ipc::short_duration(finding.lasted), who_has_them(look), who_waits(look),
                     refusals(finding.refused));
}

std::string exhaustion_ended(const Exhaustion::Finding& finding) {
  return fmt::format("the thread pool keeps up again, after {}; the longest wait was {}{}",
                     ipc::short_duration(finding.lasted), ipc::short_duration(finding.longest_wait),
                     refusals(finding.refused));
}

}  // namespace reeve::worker
