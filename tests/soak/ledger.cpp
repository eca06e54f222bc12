#include "tests/soak/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>
#include <utility>

namespace reeve::soak {
namespace {

constexpr std::size_t kLossesShown = 40;

std::string with_commas(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string reasons(const std::map<e2e::Loss, int>& counts) {
  std::string text;
  for (const auto& [loss, count] : counts) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, e2e::to_string(loss));
  }
  return text;
}

}  // namespace

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::PerRequest:
      return "one connection per request";
    case Kind::KeepAlive:
      return "keep-alive";
    case Kind::Upload:
      return "1 MiB upload, echoed";
    case Kind::Stream:
      return "stream";
  }
  return "?";
}

void Ledger::answered(Kind kind) {
  ++answered_[static_cast<std::size_t>(kind)];
  if (kind == Kind::Upload || kind == Kind::Stream) return;  // Both take as long as they are told.
  const std::int64_t now = (Clock::now() - started_) / std::chrono::nanoseconds(1);
  const std::int64_t silence = now - last_answer_ns_.exchange(now);
  std::int64_t longest = longest_silence_ns_;
  while (silence > longest && !longest_silence_ns_.compare_exchange_weak(longest, silence)) {
  }
}

void Ledger::lost(LostRequest request) {
  const std::scoped_lock lock(mutex_);
  lost_.push_back(std::move(request));
}

std::uint64_t Ledger::requests() const {
  std::uint64_t sum = lost_in_all();
  for (const auto& count : answered_) sum += count.load();
  return sum;
}

std::uint64_t Ledger::lost_in_all() const {
  const std::scoped_lock lock(mutex_);
  return lost_.size();
}

std::vector<LostRequest> Ledger::losses() const {
  const std::scoped_lock lock(mutex_);
  return lost_;
}

Milliseconds Ledger::longest_silence() const {
  return std::chrono::duration_cast<Milliseconds>(std::chrono::nanoseconds(longest_silence_ns_));
}

std::string Ledger::table() const {
  const auto lost = losses();
  std::map<Kind, std::map<e2e::Loss, int>> by_kind;
  for (const LostRequest& each : lost) ++by_kind[each.kind][each.how];

  std::string text;
  const auto row = [&text](std::string_view kind, std::uint64_t requests, std::uint64_t losses,
                           const std::string& why) {
    fmt::format_to(std::back_inserter(text), "{:<26} {:>10} {:>6}  {}\n", kind,
                   with_commas(requests), losses, why);
  };
  fmt::format_to(std::back_inserter(text), "{:<26} {:>10} {:>6}\n", "clients", "requests", "lost");
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const auto& reasons_of_kind = by_kind[kKinds[i]];
    const auto count = static_cast<std::uint64_t>(
        std::accumulate(reasons_of_kind.begin(), reasons_of_kind.end(), 0,
                        [](int sum, const auto& each) { return sum + each.second; }));
    row(to_string(kKinds[i]), answered(i) + count, count, reasons(reasons_of_kind));
  }
  row("all", requests(), lost.size(), "");

  const auto since = [this](Clock::time_point at) {
    return std::chrono::duration<double>(at - started_).count();
  };
  for (std::size_t i = 0; i < std::min(lost.size(), kLossesShown); ++i) {
    const LostRequest& each = lost[i];
    fmt::format_to(
        std::back_inserter(text), "lost: {} ({}) at {:.3f} s, sent at {:.3f} s, port {}{}{}{}\n",
        e2e::to_string(each.how), to_string(each.kind), since(each.lost_at), since(each.sent_at),
        each.client_port, each.reused ? ", on a kept connection" : "",
        each.about.empty() ? "" : ": ", each.about);
  }
  return text;
}

}  // namespace reeve::soak
