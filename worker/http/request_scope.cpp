#include "worker/http/request_scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "worker/task/bounded_wait.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {

Task<> RequestScope::open(const RoutePlan& plan, const Request& request) {
  made_.reserve(plan.open.size());
  for (const RoutePlan::Step& step : plan.open) {
    // Reserved above: the place stays where it is.
    std::shared_ptr<void>& value = made_.emplace_back(step).value;
    if (step.replaced != nullptr) {
      value = step.replaced->make();
    } else {
      co_await step.value->open(request, value);
    }
  }
}

Task<> RequestScope::close(std::function<void(std::string)> on_failure) {
  while (!made_.empty()) {
    Made last = std::move(made_.back());
    made_.pop_back();
    const bool closes = last.value != nullptr && last.how.value->close;  // Null: it was not made.
    if (!closes || last.how.replaced != nullptr) continue;
    Task<> closing = last.how.value->close(std::move(last.value));
    auto closed = co_await BoundedWait(std::move(closing), last.how.value->options.close_within);
    if (closed) continue;
    on_failure(
        fmt::format("closing {}: {}", type_name(last.how.value->type), describe(closed.error())));
  }
}

void* RequestScope::find(std::type_index type) const {
  const auto is_it = [type](const Made& made) { return made.how.value->type == type; };
  const auto found = std::ranges::find_if(made_, is_it);
  return found == made_.end() ? nullptr : found->value.get();
}

}  // namespace reeve::worker
