#pragma once
// Lets tasks wait until everything that was begun has ended. Loop thread only.

#include <cstddef>
#include <list>

#include "reeve/suspension.hpp"
#include "reeve/task.hpp"

namespace reeve::worker {

class WaitGroup {
 public:
  void begin() { ++count_; }
  /// Wakes those that wait, when it was the last. The last thing that its caller does.
  void end() {
    if (--count_ > 0) return;
    while (count_ == 0 && !waits_.empty()) {
      Wait* wait = waits_.front();
      waits_.pop_front();
      wait->go_on();
    }
  }
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Throws Cancelled; the group goes on.
  [[nodiscard]] Task<> all_ended() {
    while (count_ > 0) co_await Wait(*this);
  }

 private:
  class Wait final : public Suspension {
   public:
    explicit Wait(WaitGroup& group) : group_(group) {}
    ~Wait() override { group_.waits_.remove(this); }
    [[nodiscard]] bool await_ready() const noexcept { return group_.count_ == 0; }
    void await_resume() const { check(); }
    void go_on() { wake(); }

   private:
    void start(Context&) override { group_.waits_.push_back(this); }
    bool abandon() noexcept override {
      group_.waits_.remove(this);
      return true;
    }

    WaitGroup& group_;
  };

  std::size_t count_ = 0;
  std::list<Wait*> waits_;
};

}  // namespace reeve::worker
