#pragma once
// The new binary on trial: a child that executes it, hands it the state, and asks whether it could
// take over. Whatever it is (a script, half a file, a program that hangs), the master only waits
// for its end, and not for long. Loop thread.

#include <sys/types.h>

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "ipc/base/uv.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

/// `reeve adopt FD`: takes nothing over, and says whether it could. Not for people.
inline constexpr char kTrialCommand[] = "adopt";
/// What it prints then, with its version, before it exits with 0.
inline constexpr std::string_view kTrialAnswer = "could take over: ";

class UpgradeTrial {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(10);

  /// The version of the new binary; or why it cannot take over, in its own words.
  using Verdict = std::expected<std::string, std::string>;

  /// What the child gets. Borrowed, for the call.
  struct Candidate {
    int binary = -1;
    std::string name;  ///< argv[0]
    int state = -1;
    std::vector<int> descriptors;  ///< those that the state speaks of
  };

  /// `on_end` is called once, from exited().
  UpgradeTrial(ipc::uv::Loop& loop, Duration longest, std::function<void(Verdict)> on_end);
  ~UpgradeTrial();
  UpgradeTrial(const UpgradeTrial&) = delete;
  UpgradeTrial& operator=(const UpgradeTrial&) = delete;

  /// Forks. An error means that there is no child, and on_end will not be called.
  [[nodiscard]] ipc::Result<> start(const Candidate& candidate);
  /// A child of the master is a zombie. If it is the trial, what it has left behind goes with it:
  /// that would hold every listener.
  void conclude(pid_t pid) const;
  /// A child of the master was reaped. Nothing happens when it is another one.
  void exited(pid_t pid, const Death& death);
  [[nodiscard]] bool ended() const { return on_end_ == nullptr; }

 private:
  void read_answer();
  void give_up();
  [[nodiscard]] Verdict verdict(const Death& death) const;

  Duration longest_;
  std::function<void(Verdict)> on_end_;
  std::optional<pid_t> pid_;
  ipc::UniqueFd answer_fd_;
  std::string answer_;
  bool too_late_ = false;
  ipc::uv::Loop& loop_;
  ipc::uv::Timer deadline_;
  std::optional<ipc::uv::Poll> poll_;
};

}  // namespace reeve::supervisor
