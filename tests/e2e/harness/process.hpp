#pragma once
// Child processes of a test: started with their output captured in files, waited for by pidfd with
// a deadline, and killed by pid when the test ends. Never signals a name, never a pid it does not
// own. Main thread of the test only: a child dies with the thread that started it.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "ipc/listen_fds.hpp"
#include "tests/e2e/harness/eventually.hpp"
#include "tests/e2e/harness/temp_dir.hpp"

namespace reeve::e2e {

/// How a process ended.
struct Exit {
  int code = -1;   ///< its exit code, or -1 when a signal ended it
  int signal = 0;  ///< that signal, or 0

  bool operator==(const Exit&) const = default;
};

/// For gtest's messages.
void PrintTo(const Exit& exit, std::ostream* out);

using Environment = std::vector<std::pair<std::string, std::string>>;

struct Command {
  std::vector<std::string> argv;
  Environment env{};                      ///< added to the test's own, which loses all of Reeve's
  std::filesystem::path directory{};      ///< empty: the test's own
  std::vector<ipc::NamedFd> listeners{};  ///< handed over as LISTEN_FDS, then closed here
};

/// Any process, by a handle that stays right when the pid is used again.
class Watch {
 public:
  explicit Watch(pid_t pid);

  /// True once the process has ended (it may still wait to be reaped by its parent).
  [[nodiscard]] bool ended_within(Milliseconds patience) const;
  [[nodiscard]] bool ended() const { return ended_within(0ms); }
  [[nodiscard]] int fd() const { return pidfd_.get(); }
  void signal(int number) const;

 private:
  ipc::UniqueFd pidfd_;  ///< none: it had ended before we looked
};

/// A child with its output in `name.out` and `name.err` of the directory.
class Process {
 public:
  Process(Command command, const TempDir& directory, std::string name);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const Watch& watch() const { return *watch_; }
  void signal(int number) const { watch_->signal(number); }

  /// How it ended, or nothing when it still runs after `patience`.
  [[nodiscard]] std::optional<Exit> wait(Milliseconds patience = kPatience);

  [[nodiscard]] std::string output() const;  ///< stdout so far
  [[nodiscard]] std::string errors() const;  ///< stderr so far

 private:
  std::filesystem::path output_;
  std::filesystem::path errors_;
  pid_t pid_ = -1;
  std::optional<Watch> watch_;
  std::optional<Exit> exit_;
};

/// What a command that ran to its end left.
struct Finished {
  std::optional<Exit> exit;  ///< nothing: it did not end in time and was killed
  std::string output;
  std::string errors;

  [[nodiscard]] int code() const { return exit ? exit->code : -1; }
};

[[nodiscard]] Finished run(Command command, const TempDir& directory, const std::string& name,
                           Milliseconds patience = kPatience);

}  // namespace reeve::e2e
