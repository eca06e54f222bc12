#include "reeve/wait.hpp"

#include <algorithm>

#include "ipc/base/uv.hpp"
#include "worker/task/context.hpp"
#include "worker/task/finally.hpp"
#include "worker/task/root.hpp"

namespace reeve::detail {

struct Sleep::Alarm {
  ipc::uv::Timer timer;
};

Sleep::Sleep(std::chrono::nanoseconds duration) : duration_(duration) {}
Sleep::Sleep(std::chrono::steady_clock::time_point until) : until_(until) {}
Sleep::Sleep(Sleep&& fresh) noexcept = default;
Sleep::~Sleep() = default;

void Sleep::start(worker::Context& context) {
  alarm_.reset(new Alarm{ipc::uv::Timer(context.loop(), [this] { wake(); })});
  const ipc::TimePoint now = ipc::Clock::now();
  alarm_->timer.arm_from_now(until_ ? std::max(*until_, now) - now : duration_);
}

bool Sleep::abandon() noexcept {
  alarm_.reset();
  return true;
}

/// Shared with the pool, since a queued item cannot be taken back: it is revoked instead.
///
///   Queued --> Running --> Finished      Queued --> Revoked
struct OffloadBase::Ticket {
  enum class Phase : std::uint8_t { Queued, Running, Finished, Revoked };

  /// Whether this call made the move.
  bool move(Phase from, Phase to) { return phase.compare_exchange_strong(from, to); }

  std::atomic<Phase> phase = Phase::Queued;
  OffloadBase*
      owner;  ///< Null once it is gone. Written by the loop thread, read there, and by the call.
};

void OffloadBase::start(worker::Context& context) {
  ticket_.reset(new Ticket{.owner = this});
  const auto call = [ticket = ticket_] {
    if (!ticket->move(Ticket::Phase::Queued, Ticket::Phase::Running)) return;
    const worker::Finally finish([&ticket] {
      ticket->phase = Ticket::Phase::Finished;
      ticket->phase.notify_one();
    });
    ticket->owner->run();
  };
  const auto done = [ticket = ticket_](std::exception_ptr error) {
    if (ticket->owner == nullptr) return;
    ticket->owner->error_ = std::move(error);
    ticket->owner->wake();
  };
  if (!context.threads().submit(call, done, root().activity())) {
    ticket_.reset();
    throw Overloaded();
  }
}

bool OffloadBase::abandon() noexcept {
  if (!ticket_->move(Ticket::Phase::Queued, Ticket::Phase::Revoked)) return false;
  ticket_->owner = nullptr;
  return true;
}

void OffloadBase::retire() noexcept {
  if (ticket_ == nullptr) return;
  if (!ticket_->move(Ticket::Phase::Queued, Ticket::Phase::Revoked)) {
    ticket_->phase.wait(Ticket::Phase::Running);
  }
  ticket_->owner = nullptr;
}

void OffloadBase::check_outcome() const {
  check();
  if (error_) std::rethrow_exception(error_);
}

}  // namespace reeve::detail
