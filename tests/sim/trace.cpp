#include "tests/sim/trace.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <utility>
#include <variant>

namespace reeve::supervisor::sim {
namespace {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::uint64_t number(WorkerId id) { return std::to_underlying(id); }
std::uint64_t number(CommandId id) { return std::to_underlying(id); }
std::uint64_t number(Generation generation) { return std::to_underlying(generation); }

std::string show(const SlotSet& slots) {
  return slots.empty() ? "all" : fmt::format("{}", fmt::join(slots, ","));
}

std::string show(const PoolSpec& spec) {
  return fmt::format(
      "workers={} surge={} max_draining={} grace={} start_timeout={} ready_after={} restart={} "
      "backoff={}..{} give_up={}/{} unavailable={} soak={} on_failure={} watchdog={} "
      "recycle={}/{}/{}/{}",
      spec.workers, spec.surge, spec.max_draining.value_or(-1), short_duration(spec.grace),
      short_duration(spec.start_timeout),
      spec.ready_after ? short_duration(*spec.ready_after) : "-", std::to_underlying(spec.restart),
      short_duration(spec.backoff_first), short_duration(spec.backoff_max),
      spec.give_up_failures.value_or(0), short_duration(spec.give_up_within), spec.max_unavailable,
      short_duration(spec.soak), spec.on_failure == RollFailure::Pause ? "pause" : "rollback",
      spec.watchdog ? short_duration(*spec.watchdog) : "-", spec.recycle.requests.value_or(0),
      spec.recycle.memory_bytes.value_or(0),
      spec.recycle.age ? short_duration(*spec.recycle.age) : "-", spec.recycle.jitter);
}

std::string show(const SlotVerdict& verdict) {
  return fmt::format("{}={}{}{}", verdict.slot.value_or(-1), std::to_underlying(verdict.outcome),
                     verdict.text.empty() ? "" : " ", verdict.text);
}

}  // namespace

std::string to_line(const Event& event) {
  return std::visit(
      Overloaded{
          [](const ForkFailed& e) { return fmt::format("ForkFailed {}", number(e.worker)); },
          [](const Started& e) { return fmt::format("Started {}", number(e.worker)); },
          [](const Ready& e) { return fmt::format("Ready {}", number(e.worker)); },
          [](const Leaving& e) { return fmt::format("Leaving {}", number(e.worker)); },
          [](const Extended& e) {
            return fmt::format("Extended {} by {}", number(e.worker), short_duration(e.by));
          },
          [](const LeaderEnded& e) {
            return fmt::format("LeaderEnded {} {}", number(e.worker), describe(e.death));
          },
          [](const Exited& e) {
            return fmt::format("Exited {} {}", number(e.worker), describe(e.death));
          },
          [](const StartRequested& e) {
            return fmt::format("#{} start {}", number(e.command), show(e.slots));
          },
          [](const StopRequested& e) {
            return fmt::format("#{} stop {}", number(e.command), show(e.slots));
          },
          [](const RollRequested& e) {
            std::string canary;
            if (e.canary) {
              canary = fmt::format(" canaries={} for {}", e.canary->workers,
                                   short_duration(e.canary->watch));
            }
            return fmt::format("#{} roll {} {}{}", number(e.command), show(e.slots),
                               e.spec ? show(*e.spec) : "", canary);
          },
          [](const HardRestartRequested& e) {
            return fmt::format("#{} hard restart {}", number(e.command), show(e.slots));
          },
          [](const ScaleRequested& e) {
            return fmt::format("#{} scale to {}", number(e.command), e.workers);
          },
          [](const GraceEnded&) { return std::string("GraceEnded"); },
          [](const Tick&) { return std::string("Tick"); },
          [](const Measured& e) {
            return fmt::format("Measured {} {} requests, {} bytes, {}", number(e.worker),
                               e.requests, e.memory_bytes, e.sign_of_life ? "alive" : "silent");
          },
          [](const Reconfigured& e) { return fmt::format("Reconfigured {}", show(e.spec)); },
          [](const Hung& e) { return fmt::format("Hung {}", number(e.worker)); },
          [](const Judged& e) {
            return fmt::format("#{} judged {}", number(e.command), e.good ? "good" : "bad");
          },
      },
      event);
}

std::string to_line(const Action& action) {
  return std::visit(
      Overloaded{
          [](const Fork& a) {
            return fmt::format("  -> Fork {} slot {} generation {}", number(a.worker), a.slot,
                               number(a.generation));
          },
          [](const Drain& a) {
            return fmt::format("  -> Drain {} {}", number(a.worker), ipc::to_string(a.kind));
          },
          [](const TellToReload& a) {
            return fmt::format("  -> TellToReload {}", number(a.worker));
          },
          [](const Kill& a) {
            return fmt::format("  -> Kill {} {}", number(a.worker), to_string(a.reason));
          },
          [](const Changed& a) {
            return fmt::format("  -> slot {}: {} -> {} ({})", a.slot, to_string(a.from),
                               to_string(a.to), a.why);
          },
          [](const Replaced& a) {
            return fmt::format("  -> Replaced #{} slot {}", number(a.command), a.slot);
          },
          [](const Watch& a) {
            return fmt::format("  -> Watch #{}, {} canaries", number(a.command), a.canaries.size());
          },
          [](const Judge& a) { return fmt::format("  -> Judge #{}", number(a.command)); },
          [](const Finished& a) {
            std::string text = fmt::format("  -> Finished #{}:", number(a.command));
            for (const SlotVerdict& verdict : a.verdicts) text += " [" + show(verdict) + "]";
            return text;
          },
      },
      action);
}

std::string to_line(const Pool& pool) {
  std::string text =
      fmt::format("     g{}{}", number(pool.generation()), pool.rolling() ? " rolling" : "");
  for (const Slot& slot : pool.slots()) {
    text += fmt::format(" {}:{}", slot.index, to_string(slot.state));
    if (slot.current) text += fmt::format("={}", number(*slot.current));
    if (slot.start_again) text += "+";
    if (slot.successor) text += fmt::format("<{}", number(*slot.successor));
  }
  text += " |";
  for (const auto& [id, worker] : pool.workers()) {
    text += fmt::format(" {}:{}", number(id), to_string(worker.phase));
  }
  return text;
}

void Trace::record(TimePoint now, const std::string& text) {
  const auto at = std::chrono::duration_cast<std::chrono::microseconds>(now - birth_).count();
  std::string line = fmt::format("{:>14.6f}  {}", static_cast<double>(at) / 1e6, text);
  for (const char byte : line) {
    hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  }
  if (telling_ == Telling::Aloud) std::puts(line.c_str());
  if (tail_.size() == kTailLines) tail_.pop_front();
  tail_.push_back(std::move(line));
}

}  // namespace reeve::supervisor::sim
