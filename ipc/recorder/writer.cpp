// The worker's side of the recorder. One thread writes each field, so that a load and a store
// suffice.

#include "ipc/recorder/writer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace reeve::ipc {
namespace {

using Word = std::atomic<std::uint64_t>;

void add(Word& counter, std::uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

void subtract_one(Word& counter) { add(counter, ~std::uint64_t{0}); }

template <std::size_t kWords>
void store_text(std::array<Word, kWords>& words, std::string_view text) {
  for (Word& word : words) {
    std::uint64_t value = 0;
    const std::size_t size = std::min(text.size(), sizeof(value));
    std::memcpy(&value, text.data(), size);
    word.store(value, std::memory_order_relaxed);
    text.remove_prefix(size);
  }
}

void set_trouble(RecorderPage& page, std::uint64_t which, bool lasts) {
  const std::uint64_t others = page.trouble.load(std::memory_order_relaxed) & ~which;
  page.trouble.store(lasts ? others | which : others, std::memory_order_relaxed);
}

/// "GET /path". Without the query, which may hold what no log should: tokens, names.
std::string route_of(std::string_view method, std::string_view target) {
  std::string route(method);
  route += ' ';
  route += target.substr(0, std::min(target.find('?'), RecorderPage::kRouteBytes));
  return route;
}

}  // namespace

RecordedRequest::RecordedRequest(RecorderPage& page, std::string_view method,
                                 std::string_view target, TimePoint now)
    : page_(&page), started_(now) {
  add(page.in_flight, 1);
  const auto free = std::ranges::find_if(page.entries, [](const RecorderPage::Entry& entry) {
    return entry.started_ns.load(std::memory_order_relaxed) == 0;
  });
  if (free == page.entries.end()) return;
  entry_ = &*free;
  store_text(entry_->route, route_of(method, target));
  entry_->started_ns.store(std::max<std::uint64_t>(to_nanoseconds(now), 1),
                           std::memory_order_relaxed);
}

RecordedRequest::RecordedRequest(RecordedRequest&& other) noexcept
    : page_(std::exchange(other.page_, nullptr)),
      entry_(std::exchange(other.entry_, nullptr)),
      started_(other.started_) {}

RecordedRequest::~RecordedRequest() {
  if (page_ == nullptr) return;
  subtract_one(page_->in_flight);
  if (entry_ != nullptr) entry_->started_ns.store(0, std::memory_order_relaxed);
}

void RecordedRequest::answered(int status, TimePoint now) {
  add(page_->requests, 1);
  add(page_->latencies[Latencies::bucket_of(now - started_)], 1);
  if (status >= 500) add(page_->errors, 1);
}

void record_activity(RecorderPage& page, std::string_view text) { store_text(page.activity, text); }

void record_starvation(RecorderPage& page, std::string_view route, Duration so_far) {
  store_text(page.blamed, route);
  add(page.starvations, 1);
  record_starvation(page, so_far, false);
}

void record_starvation(RecorderPage& page, Duration so_far, bool over) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(so_far).count();
  page.starvation_us.store(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)),
                           std::memory_order_relaxed);
  set_trouble(page, RecorderPage::kLoopBlocked, !over);
}

void record_exhaustion(RecorderPage& page, std::string_view route) {
  store_text(page.occupant, route);
  add(page.exhaustions, 1);
  set_trouble(page, RecorderPage::kPoolTaken, true);
}

void record_exhaustion_over(RecorderPage& page) {
  set_trouble(page, RecorderPage::kPoolTaken, false);
}

}  // namespace reeve::ipc
