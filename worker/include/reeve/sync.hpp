#pragma once
// How tasks of one loop wait for each other without passing values.
//   Semaphore connections(8);
//   { const auto permit = co_await connections.acquire();  ... }     // at most eight at a time
//   Event loaded;
//   co_await loaded.wait();                                          // until somebody calls set()
// A lock is rarely needed: between two `co_await` a task has the loop to itself. Where one must
// hold across a `co_await`, it is a Semaphore of 1. Loop thread only; for threads there
// is <mutex>.

#include <cstddef>
#include <utility>
#include <variant>

#include "reeve/channel.hpp"
#include "reeve/task.hpp"

namespace reeve {

/// A number of permits, first come, first served. It outlives its permits.
class Semaphore {
 public:
  /// With so many permits to give.
  explicit Semaphore(std::size_t permits) : free_(permits) {
    for (std::size_t i = 0; i < permits; ++i) release();
  }

  /// Gives its permit back when it dies.
  class [[nodiscard]] Permit {
   public:
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Permit() {
      if (owner_ != nullptr) owner_->release();
    }

   private:
    friend class Semaphore;
    explicit Permit(Semaphore& owner) : owner_(&owner) {}
    Semaphore* owner_;
  };

  /// Waits for a permit. Throws Cancelled; then it has none.
  [[nodiscard]] Task<Permit> acquire() {
    co_await free_.receive();
    co_return Permit(*this);
  }
  /// How many are free.
  [[nodiscard]] std::size_t available() const { return free_.size(); }

 private:
  void release() { static_cast<void>(free_.try_send({})); }

  Channel<std::monostate> free_;
};

/// Something that happens once. Whoever waits for it goes on in the next turn of the loop; whoever
/// comes later need not wait.
class Event {
 public:
  /// Lets it happen. Again, it changes nothing.
  void set() { happened_.close(); }
  /// Whether it has.
  [[nodiscard]] bool is_set() const { return happened_.closed(); }
  /// Throws Cancelled.
  [[nodiscard]] Task<> wait() { co_await happened_.receive(); }

 private:
  Channel<std::monostate> happened_{0};
};

}  // namespace reeve
