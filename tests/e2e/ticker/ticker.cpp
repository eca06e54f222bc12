// A worker with one job of scope `one`, due every TICKER_MS, which writes each run as a line "DUE
// FENCE PID" to TICKER_FILE, in one O_APPEND write. It speaks the channel by itself, without
// reeve::worker: what it shows is the master's part of the protocol, and that others can speak it.
// A new holder makes up for what was missed within TICKER_GRACE_MS: it claims each tick of that
// time, and the master knows which of them were done.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/channel.hpp"
#include "ipc/environment.hpp"
#include "ipc/message.hpp"

namespace {

using namespace reeve::ipc;
using std::chrono::milliseconds;
using WallTime = JobReport::WallTime;

constexpr char kJob[] = "tick";

WallTime now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int number(const char* name, int fallback) {
  return parse_number<int>(variable(name)).value_or(fallback);
}

class Ticker {
 public:
  Ticker(Channel channel, UniqueFd file, UniqueFd signals)
      : channel_(std::move(channel)), file_(std::move(file)), signals_(std::move(signals)) {
    say({.ready = true, .state = WorkerState::Running, .lease = LeaseWish::Wanted});
    report();
  }

  /// Until it was told to end; returns the exit code.
  int run() {
    while (!over_) {
      wait();
      signalfd_siginfo signal;
      if (::read(signals_.get(), &signal, sizeof signal) > 0) stopping_ = true;
      listen();
      act();
    }
    return 0;
  }

 private:
  void wait() {
    pollfd sources[] = {{channel_.fd(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
    int timeout = -1;
    if (lease_ && !claimed_) {
      timeout = static_cast<int>(std::clamp<std::int64_t>((next_ - now()).count(), 0, 60'000));
    }
    ::poll(sources, 2, timeout);
  }

  void listen() {
    for (;;) {
      const auto text = channel_.receive();
      if (!text) {
        over_ = over_ || text.error() == Channel::End::Closed;
        return;
      }
      const MasterMessage message = parse_master_message(*text);
      if (message.lease && !stopping_) take(*message.lease);
      if (message.claim && claimed_) take(*message.claim);
    }
  }

  void take(const Lease& lease) {
    lease_ = lease;
    next_ = tick_from(std::max(lease.since, now() - grace_));
    report();
  }

  void take(const ClaimAnswer& answer) {
    claimed_ = false;
    next_ = answer.tick.due + period_;
    if (!answer.granted) return;
    const std::string line = fmt::format("{} {} {}\n", answer.tick.due.time_since_epoch().count(),
                                         lease_->fence, ::getpid());
    if (::write(file_.get(), line.data(), line.size()) < 0) std::abort();
    last_ = answer.tick.due;
    report();
  }

  void act() {
    if (claimed_ || over_) return;  // The answer comes first: what is granted is to be done.
    if (stopping_) {
      say({.lease = LeaseWish::Released});
      over_ = true;
    } else if (lease_ && next_ <= now()) {
      claimed_ = true;
      say({.claim = JobTick{kJob, next_}});
    }
  }

  [[nodiscard]] WallTime tick_from(WallTime from) const {
    const auto since = from.time_since_epoch();
    const auto ticks = (since + period_ - milliseconds(1)) / period_;
    return WallTime(ticks * period_);
  }

  void report() {
    JobReport job{.name = kJob,
                  .schedule = fmt::format("every {} ms", period_.count()),
                  .one = true,
                  .here = lease_.has_value(),
                  .last = last_};
    if (lease_) job.next = next_;
    if (last_) job.result = JobResult::Ok;
    say({.job = job});
  }

  /// A master that reads nothing is none.
  void say(const WorkerMessage& message) { over_ = over_ || !channel_.send(format(message)); }

  const milliseconds period_{number("TICKER_MS", 100)};
  const milliseconds grace_{number("TICKER_GRACE_MS", 10'000)};
  Channel channel_;
  UniqueFd file_;
  UniqueFd signals_;
  std::optional<Lease> lease_;
  std::optional<WallTime> last_;
  WallTime next_;
  bool claimed_ = false;  ///< and not answered yet
  bool stopping_ = false;
  bool over_ = false;
};

}  // namespace

int main() {
  const auto channel = parse_number<int>(variable(environment::kChannel));
  UniqueFd file(
      ::open(variable("TICKER_FILE").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!channel || !file) {
    fmt::print(stderr, "ticker: it wants {} and TICKER_FILE\n", environment::kChannel);
    return 2;
  }
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, nullptr);
  UniqueFd signals(::signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC));
  return Ticker(Channel(UniqueFd(*channel)), std::move(file), std::move(signals)).run();
}
