#pragma once
// What the master is told of each job: the last state, not each change, at most once in 100 ms a
// job. Loop thread only.

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/worker_report.hpp"

namespace reeve::worker {

class JobReports {
 public:
  static constexpr std::chrono::milliseconds kPause{100};

  /// `send` may be empty.
  JobReports(ipc::uv::Loop& loop, std::size_t jobs,
             std::function<void(const ipc::JobReport&)> send);

  /// To be changed, then sent by changed().
  [[nodiscard]] ipc::JobReport& of(std::size_t job) { return entries_[job].report; }
  /// Sends it now or a little later.
  void changed(std::size_t job);
  /// Sends what waits: there may be no later.
  void flush();

 private:
  struct Entry {
    ipc::JobReport report{};
    bool changed = false;
    ipc::TimePoint not_before{};
  };
  void send_due();
  void send(Entry& entry);

  ipc::uv::Loop& loop_;
  std::function<void(const ipc::JobReport&)> send_;
  std::vector<Entry> entries_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::worker
