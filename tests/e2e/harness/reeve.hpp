#pragma once
// A master under test: the real `reeve run` with a configuration of the test's, asked through its
// own control socket and the real reevectl. It is ready when it says so to the test's
// NOTIFY_SOCKET, and its port is one that the test has bound and handed over: nothing here sleeps,
// guesses a port or reads a log.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/control/protocol.hpp"
#include "ipc/message.hpp"
#include "ipc/notify.hpp"
#include "tests/e2e/harness/http_client.hpp"
#include "tests/e2e/harness/process.hpp"
#include "tests/e2e/harness/temp_dir.hpp"

namespace reeve::e2e {

class Reeve {
 public:
  /// Starts `reeve run -c`. `toml` is expanded (programs.hpp), and gets in front what it does not
  /// have itself: [supervisor] with a runtime_dir in `dir`, and [listen.http] on the socket of
  /// port().
  /// `program` is another file to run than the build's: one that an upgrade may replace.
  Reeve(const TempDir& dir, std::string_view toml, Environment env = {}, std::string program = "");

  /// Writes the configuration anew, for HUP and `reload`.
  void configure(std::string_view toml) const;

  /// True once the master has said READY=1; false when it ends first, or does not say so in time.
  [[nodiscard]] bool ready(Milliseconds patience = kPatience);
  /// Waits until the master has sent systemd a message that `fits`.
  template <class Predicate>
  [[nodiscard]] bool notifies(Predicate fits, Milliseconds patience = kPatience) {
    while (const auto message = next_message(patience)) {
      if (fits(*message)) return true;
    }
    return false;
  }

  [[nodiscard]] Process& master() { return master_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Where it says that it listens: for an address with port 0. 0 when it does not say.
  [[nodiscard]] std::uint16_t port_in_log() const;
  [[nodiscard]] Answer get(std::string_view path) const { return e2e::get(port_, path); }
  [[nodiscard]] Connection connect() const;
  [[nodiscard]] std::string control_socket() const;

  /// Runs the real reevectl to its end.
  [[nodiscard]] Finished ctl(std::vector<std::string> words) const;
  /// Starts reevectl and lets it run: for `tail -f`, and for what is to happen meanwhile.
  [[nodiscard]] std::unique_ptr<Process> start_ctl(std::vector<std::string> words) const;

  /// One request on a connection of its own; an empty reply with `error` when nobody answers.
  [[nodiscard]] ipc::control::Reply ask(const ipc::control::Request& request) const;
  [[nodiscard]] std::vector<ipc::control::Process> status() const;
  /// One slot's line of the status, by its name or as POOL:INDEX; an empty one when there is none.
  [[nodiscard]] ipc::control::Process slot(std::string_view name) const;
  [[nodiscard]] int pid(std::string_view name) const { return slot(name).pid; }
  /// The pids of all slots, in the order of the status.
  [[nodiscard]] std::vector<int> pids() const;
  [[nodiscard]] int count(std::string_view state) const;
  /// Waits until a slot is in `state`.
  [[nodiscard]] bool becomes(std::string_view name, std::string_view state,
                             Milliseconds patience = kPatience) const;

  /// All that the master has written, its own lines and its workers'.
  [[nodiscard]] std::string log() const;
  /// Waits until the log has `text`: where the log itself is what is tested.
  [[nodiscard]] bool logs(std::string_view text, Milliseconds patience = kPatience) const;

  /// TERM, and how it ended.
  [[nodiscard]] std::optional<Exit> stop(Milliseconds patience = kPatience);

 private:
  Reeve(const TempDir& dir, std::string_view toml, Environment env, std::string program,
        ipc::UniqueFd listener);
  [[nodiscard]] std::optional<ipc::WorkerMessage> next_message(Milliseconds patience);

  const TempDir& dir_;
  std::uint16_t port_;
  ipc::NotifySocket notify_;
  Process master_;
};

}  // namespace reeve::e2e
