#pragma once
// The values to make for a request before its handler can run: worked out once, at the start, so
// that a request looks nothing up. Refuses routes that ask for what nobody provides, and providers
// that ask for each other. Pure.

#include <expected>
#include <functional>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <vector>

#include "reeve/provide.hpp"
#include "reeve/router.hpp"
#include "worker/lifespan/overrides.hpp"

namespace reeve::worker {

struct RoutePlan {
  struct Step {
    const detail::RequestValue* value;
    const Override* replaced;  ///< Null: the value is made by its own provider.
  };
  std::vector<Step> open;                ///< Each after those that it asks for.
  std::vector<std::type_index> process;  ///< Resources that have to be open.
};

class RoutePlans {
 public:
  /// Whether the process scope has a value of the type, or an optional resource for it.
  using Provided = std::function<bool(std::type_index)>;

  /// All of them outlive the plans; `overrides` may be null. The error names each route and what it
  /// lacks, one per line.
  [[nodiscard]] static std::expected<RoutePlans, std::string> make(const Router& router,
                                                                   const RequestValues& values,
                                                                   const Overrides* overrides,
                                                                   const Provided& provided);

  /// The plan of a route that asks for values. Throws std::out_of_range for another.
  [[nodiscard]] const RoutePlan& of(const Router::Route& route) const { return plans_.at(&route); }

 private:
  std::unordered_map<const Router::Route*, RoutePlan> plans_;
};

}  // namespace reeve::worker
