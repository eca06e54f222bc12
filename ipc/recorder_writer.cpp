// The worker's side of the recorder. One thread writes, so that a load and a store suffice.

#include <algorithm>
#include <cstring>
#include <utility>

#include "ipc/recorder.hpp"

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

void record_blame(RecorderPage& page, std::string_view route) { store_text(page.blamed, route); }

}  // namespace reeve::ipc
