#pragma once
// The worker's side of the recorder: writes into its page, each field from one thread at a time.

#include <string_view>

#include "ipc/base/clock.hpp"
#include "ipc/recorder/recorder.hpp"

namespace reeve::ipc {

/// Writes one request into the page for as long as it lives. Worker, loop thread.
/// When all entries are taken, only `in_flight` counts it.
class RecordedRequest {
 public:
  RecordedRequest(RecorderPage& page, std::string_view method, std::string_view target,
                  TimePoint now);
  RecordedRequest(RecordedRequest&& other) noexcept;
  RecordedRequest& operator=(RecordedRequest&&) = delete;
  RecordedRequest(const RecordedRequest&) = delete;
  RecordedRequest& operator=(const RecordedRequest&) = delete;
  ~RecordedRequest();
  /// Marks it as answered: counts it, how long it took, and as an error when the status is 5xx.
  void answered(int status, TimePoint now);

 private:
  RecorderPage* page_;
  RecorderPage::Entry* entry_ = nullptr;
  TimePoint started_;
};

/// Sets `activity`; cut at 64 bytes. Worker, loop thread.
void record_activity(RecorderPage& page, std::string_view text);

/// The event loop is blocked by `route`: once at the beginning of each time, with how long already.
/// Any one thread at a time, as for the following.
void record_starvation(RecorderPage& page, std::string_view route, Duration so_far);
/// How long it lasts by now, and whether it is over.
void record_starvation(RecorderPage& page, Duration so_far, bool over);
/// All threads of the pool are taken, most of them by `route`: once at the beginning of each time.
void record_exhaustion(RecorderPage& page, std::string_view route);
void record_exhaustion_over(RecorderPage& page);

}  // namespace reeve::ipc
