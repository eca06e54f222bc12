// Alone: a wait of its own, which opening, closing and checks share.

#include "worker/lifespan/wait_group.hpp"

namespace reeve::worker {

class WaitGroup::Wait final : public Suspension {
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

void WaitGroup::end() {
  if (--count_ > 0) return;
  while (count_ == 0 && !waits_.empty()) {
    Wait* wait = waits_.front();
    waits_.pop_front();
    wait->go_on();
  }
}

Task<> WaitGroup::all_ended() {
  while (count_ > 0) co_await Wait(*this);
}

}  // namespace reeve::worker
