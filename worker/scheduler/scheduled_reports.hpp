#pragma once
// What the master is told of each scheduled job: the last state, not each change, at most once in
// 100 ms. Loop thread only.

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/worker_report.hpp"

namespace reeve::worker {

class ScheduledReports {
 public:
  static constexpr std::chrono::milliseconds kPause{100};

  /// `send` may be empty.
  ScheduledReports(ipc::uv::Loop& loop, std::size_t count,
                   std::function<void(const ipc::ScheduledReport&)> send);

  /// To be changed, then sent by changed().
  [[nodiscard]] ipc::ScheduledReport& of(std::size_t index) { return entries_[index].report; }
  /// Sends it now or a little later.
  void changed(std::size_t index);
  /// Sends what waits: there may be no later.
  void flush();

 private:
  struct Entry {
    ipc::ScheduledReport report{};
    bool changed = false;
    ipc::TimePoint not_before{};
  };
  void send_due();
  void send(Entry& entry);

  ipc::uv::Loop& loop_;
  std::function<void(const ipc::ScheduledReport&)> send_;
  std::vector<Entry> entries_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::worker
