#pragma once
// The helper's side of probes over the network: any number at a time, each bounded in bytes and in
// time, however slow or hostile the program at the other end is. Resolves no names. Helper process.

#include <poll.h>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "ipc/base/unique_fd.hpp"
#include "supervisor/helper/probe.hpp"

namespace reeve::supervisor {

///   Connecting --refused--> Connecting, to the next address
///       |                                                    each --timeout--> gone
///       +--> Asking --status--> Emptying --end--> gone
///
/// Emptying has had its answer: it reads on, so that a program which is still sending is not
/// disturbed by a reset.
class Prober {
 public:
  using OnAnswer = std::function<void(std::uint64_t id, std::string text)>;

  explicit Prober(OnAnswer on_answer) : on_answer_(std::move(on_answer)) {}

  void begin(std::uint64_t id, NetworkProbe probe, ipc::TimePoint now);
  /// Adds what is waited for; in the order in which advance() finds it again.
  void add_to(std::vector<pollfd>& watched) const;
  /// For poll(2): until the next limit is reached; -1: none runs.
  [[nodiscard]] int wait(ipc::TimePoint now) const;
  /// What poll(2) has said of the last `watched` ones, and what is late.
  void advance(const std::vector<pollfd>& watched, ipc::TimePoint now);

 private:
  struct Question {
    enum class Step : std::uint8_t { Connecting, Asking, Emptying, Over };
    std::uint64_t id = 0;
    NetworkProbe probe;
    std::vector<std::string> addresses;  // Not tried yet; the next is the last.
    ipc::TimePoint deadline;
    Step step = Step::Connecting;
    std::string address;  // That is tried.
    ipc::UniqueFd socket;
    HttpStatusReader reader;
    std::size_t bytes = 0;
  };

  void connect_next(Question& question, std::string why_not);
  void on_connected(Question& question);
  void on_readable(Question& question);
  void answer(Question& question, const NetworkAnswer& answer);

  OnAnswer on_answer_;
  std::list<Question> questions_;
};

}  // namespace reeve::supervisor
