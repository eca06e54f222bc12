#pragma once
// The watch over a deployment's canaries: takes their figures and those of the workers beside them
// now and then, and says what they come to. Reads recorders through its owner and decides nothing
// about the roll: judge() has the rules. Loop thread.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/uv.hpp"
#include "ipc/recorder/reader.hpp"
#include "supervisor/core/canary_judge.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

class CanaryWatch {
 public:
  /// A worker of the pool, as it is found.
  struct Observed {
    WorkerId worker{};
    Generation generation{};
    bool serves = false;
    std::optional<ipc::RecorderReading> reading;  ///< none: it keeps no figures
  };
  struct Callbacks {
    std::function<std::vector<Observed>()> look;  ///< at every worker
    /// The figures so far, a line at a time.
    std::function<void(const std::string& line)> on_figures;
    /// The canaries are so bad that the end of the watch need not be awaited.
    std::function<void(CommandId command, const std::string& why)> on_bad;
  };

  CanaryWatch(ipc::uv::Loop& loop, Callbacks callbacks);

  /// The canaries of this generation serve; they are watched for so long.
  void begin(CommandId command, Generation canaries, Duration watch);
  /// A worker was reaped; its last figures count.
  void ended(const Observed& worker, bool crashed);
  /// The verdict at the end of the watch; nullopt: this command has none.
  [[nodiscard]] std::optional<CanaryVerdict> end(CommandId command);
  void cancel();
  /// A canary that has crashed or is taken back is not watched any more.
  [[nodiscard]] bool watching() const;

 private:
  struct Watched {
    CommandId command{};
    Generation generation{};
    Duration every{};
    TimePoint begun_at;
    CanaryLedger ledger;
  };
  void take_figures();
  void add(const Observed& worker);
  void look();

  ipc::uv::Loop& loop_;
  Callbacks callbacks_;
  std::optional<Watched> watched_;
  ipc::uv::Timer timer_;
};

}  // namespace reeve::supervisor
