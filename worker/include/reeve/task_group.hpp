#pragma once
// Runs several tasks for one that waits for them all: the common part of when_all(), when_any() and
// with_timeout(), which applications use. It refuses to leave anything behind: it is over when
// every branch has ended, whichever won, failed or was cancelled. Loop thread only.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// Thrown out of `co_await with_timeout(...)`.
class TimedOut : public std::exception {
 public:
  /// After `limit`.
  explicit TimedOut(std::chrono::nanoseconds limit);
  /// "not done within 2 s"
  [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }
  /// What with_timeout() was given.
  [[nodiscard]] std::chrono::nanoseconds limit() const noexcept { return limit_; }

 private:
  std::chrono::nanoseconds limit_;
  std::string what_;
};

namespace detail {

/// Each branch is a root of its own, so that it can be cancelled alone. They start one after the
/// other within the co_await; those that come after the decision never start.
///
///                      a branch decides, or the parent is cancelled
///   co_await --> Running ---------------------------------------> Ending (all others cancelled)
///                   +-- the last branch ended --> over <-- the last branch ended --+
class TaskGroup : public Suspension {
 public:
  /// What decides, so that the other branches are cancelled.
  enum class Decides : std::uint8_t { FirstFailure, FirstEnd };

 protected:
  explicit TaskGroup(Decides decides);
  ~TaskGroup() override;

  /// Before it is awaited. The tasks belong to the derived class, whose destructor calls retire()
  /// first: the frames die before the roots that they run on.
  void add(Branch branch) { branches_.push_back(branch); }
  void retire() noexcept { retired_ = true; }

  void start(worker::Context& context) override;
  bool abandon() noexcept override;
  /// Cancels what still runs. It may be over, and gone, afterwards.
  void give_up();

  [[nodiscard]] std::size_t running() const { return running_; }
  /// The branch that decided, if one did.
  [[nodiscard]] std::optional<std::size_t> decided() const { return decided_; }

 private:
  struct Member;

  void on_end(std::size_t index);
  void cancel_all();
  void wake_if_over();

  std::vector<Branch> branches_;
  std::unique_ptr<std::optional<Member>[]> members_;
  std::size_t running_ = 0;
  std::optional<std::size_t> decided_;
  const Decides decides_;
  bool cancelling_ = false;
  /// Branches are being started or cancelled: whoever does that wakes the parent. One that ends
  /// meanwhile does not, since the parent would destroy the group under its feet.
  bool busy_ = false;
  bool retired_ = false;  // On its way out: nobody is to be woken any more.
};

/// A group of one, with a deadline.
class Deadline : public TaskGroup {
 protected:
  explicit Deadline(std::chrono::nanoseconds limit);
  ~Deadline() override;
  void start(worker::Context& context) override;

  /// Throws TimedOut when `outcome` is a Cancelled that the deadline caused.
  void check_deadline(const std::exception_ptr& outcome) const;

 private:
  struct Alarm;
  std::chrono::nanoseconds limit_;
  std::unique_ptr<Alarm> alarm_;
  bool timed_out_ = false;
};

}  // namespace detail
}  // namespace reeve
