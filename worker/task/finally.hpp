#pragma once
// Does something when its scope is left: by a return, by an exception, or when the frame of a
// coroutine dies. Any thread.

#include <utility>

namespace reeve::worker {

template <class Act>
class Finally {
 public:
  explicit Finally(Act act) : act_(std::move(act)) {}
  ~Finally() { act_(); }
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;

 private:
  Act act_;
};

}  // namespace reeve::worker
