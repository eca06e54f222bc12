#include "worker/lifespan/wait_group.hpp"

namespace reeve::worker {

class Tally::Wait final : public Suspension {
 public:
  explicit Wait(Tally& tally) : tally_(tally) {}
  ~Wait() override { tally_.waits_.remove(this); }
  [[nodiscard]] bool await_ready() const noexcept { return tally_.count_ == 0; }
  void await_resume() const { check(); }
  void go_on() { wake(); }

 private:
  void start(Context&) override { tally_.waits_.push_back(this); }
  bool abandon() noexcept override {
    tally_.waits_.remove(this);
    return true;
  }

  Tally& tally_;
};

void Tally::end() {
  if (--count_ > 0) return;
  while (count_ == 0 && !waits_.empty()) {
    Wait* wait = waits_.front();
    waits_.pop_front();
    wait->go_on();
  }
}

Task<> Tally::all_ended() {
  while (count_ > 0) co_await Wait(*this);
}

}  // namespace reeve::worker
