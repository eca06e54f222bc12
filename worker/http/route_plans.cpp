#include "worker/http/route_plans.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "reeve/provide.hpp"
#include "worker/task/text.hpp"

namespace reeve {

const detail::RequestValue* RequestValues::find(std::type_index type) const {
  const auto found = std::ranges::find(values_, type, &detail::RequestValue::type);
  return found == values_.end() ? nullptr : &*found;
}

void RequestValues::add(detail::RequestValue value) {
  if (find(value.type) != nullptr) {
    throw std::invalid_argument("provide: there is a provider of " + worker::type_name(value.type) +
                                " already; wrap one of the two in a type");
  }
  values_.push_back(std::move(value));
}

}  // namespace reeve

namespace reeve::worker {
namespace {

/// Works out one plan: a walk through the providers, depth first, so that each comes after what it
/// asks for.
class Planner {
 public:
  Planner(const RequestValues& values, const Overrides* overrides,
          const RoutePlans::Provided& provided)
      : values_(values), overrides_(overrides), provided_(provided) {}

  [[nodiscard]] std::expected<RoutePlan, std::string> plan(const Router::Route& route) {
    for (const detail::Wanted& wanted : route.wants) {
      if (auto failure = add(wanted, "its handler")) return std::unexpected(std::move(*failure));
    }
    return std::move(plan_);
  }

 private:
  /// Why it cannot be had.
  std::optional<std::string> add(const detail::Wanted& wanted, const std::string& asker) {
    const detail::RequestValue* const value = values_.find(wanted.type);
    if (value == nullptr) return add_process_value(wanted, asker);

    const auto is_value = [value](const RoutePlan::Step& step) { return step.value == value; };
    if (std::ranges::any_of(plan_.open, is_value)) return std::nullopt;
    const auto begun = std::ranges::find(under_way_, wanted.type);
    if (begun != under_way_.end()) return describe_cycle({begun, under_way_.end()});

    const Override* const replaced = overrides_ ? overrides_->find(wanted.type) : nullptr;
    if (replaced == nullptr) {
      under_way_.push_back(wanted.type);
      for (const detail::Wanted& next : value->wants) {
        if (auto failure = add(next, "the provider of " + type_name(value->type))) return failure;
      }
      under_way_.pop_back();
    }
    plan_.open.push_back({value, replaced});
    return std::nullopt;
  }

  std::optional<std::string> add_process_value(const detail::Wanted& wanted,
                                               const std::string& asker) {
    if (wanted.optional) return std::nullopt;
    if (!provided_(wanted.type)) {
      const std::string type = type_name(wanted.type);
      return fmt::format(
          "{} asks for {}, which nobody provides: add app.resource<{}>(...) or "
          "app.provide<{}>(...)",
          asker, type, type, type);
    }
    if (std::ranges::find(plan_.process, wanted.type) == plan_.process.end()) {
      plan_.process.push_back(wanted.type);
    }
    return std::nullopt;
  }

  [[nodiscard]] static std::string describe_cycle(std::vector<std::type_index> cycle) {
    cycle.push_back(cycle.front());
    std::vector<std::string> names;
    for (const std::type_index type : cycle) names.push_back(type_name(type));
    return fmt::format("its providers ask for each other: {}: one of them has to do without",
                       fmt::join(names, " -> "));
  }

  const RequestValues& values_;
  const Overrides* overrides_;
  const RoutePlans::Provided& provided_;
  RoutePlan plan_;
  std::vector<std::type_index> under_way_;
};

}  // namespace

std::expected<RoutePlans, std::string> RoutePlans::make(const Router& router,
                                                        const RequestValues& values,
                                                        const Overrides* overrides,
                                                        const Provided& provided) {
  RoutePlans plans;
  std::vector<std::string> failures;
  for (const Router::Route* route : router.routes()) {
    if (route->wants.empty()) continue;
    auto plan = Planner(values, overrides, provided).plan(*route);
    if (plan) {
      plans.plans_.emplace(route, std::move(*plan));
    } else {
      failures.push_back(fmt::format("route {}: {}", route->name, plan.error()));
    }
  }
  if (!failures.empty()) return std::unexpected(fmt::format("{}", fmt::join(failures, "\n")));
  return plans;
}

}  // namespace reeve::worker
