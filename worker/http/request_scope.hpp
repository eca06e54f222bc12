#pragma once
// The values of one request: made in the order of the route's plan, closed in reverse. Made and
// closed on the loop thread; in between the handler's thread reads.

#include <functional>
#include <memory>
#include <string>
#include <typeindex>
#include <vector>

#include "reeve/request.hpp"
#include "reeve/task.hpp"
#include "worker/http/route_plans.hpp"

namespace reeve::worker {

class RequestScope {
 public:
  /// Makes the values. It throws what a provider throws; what was made by then still has to be
  /// closed. Plan and request outlive the task.
  [[nodiscard]] Task<> open(const RoutePlan& plan, const Request& request);

  /// Closes the values that were made, the last one first. A failure is told to `on_failure` and
  /// skips none of the others. A cancel skips them: they are only destroyed.
  [[nodiscard]] Task<> close(std::function<void(std::string)> on_failure);

  [[nodiscard]] void* find(std::type_index type) const;
  [[nodiscard]] bool empty() const { return made_.empty(); }

 private:
  struct Made {
    RoutePlan::Step how;
    std::shared_ptr<void> value{};  ///< Null while it is being made.
  };
  std::vector<Made> made_;
};

}  // namespace reeve::worker
