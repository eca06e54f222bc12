#include "worker/lifespan/back_off.hpp"

#include <algorithm>

namespace reeve::worker {

std::chrono::milliseconds BackOff::next(double chance) {
  using std::chrono::milliseconds;
  const milliseconds pause = std::min(next_, retry_.max);
  next_ = pause > retry_.max / 2 ? retry_.max : pause * 2;
  const double less = chance / 2 * static_cast<double>(pause.count());
  return pause - milliseconds(static_cast<milliseconds::rep>(less));
}

}  // namespace reeve::worker
