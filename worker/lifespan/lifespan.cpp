#include "reeve/lifespan.hpp"

#include <algorithm>
#include <stdexcept>

namespace reeve {

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::Environment:
      return "environment";
    case Phase::Connections:
      return "connections";
    case Phase::Providers:
      return "providers";
    case Phase::Scheduler:
      return "scheduler";
    case Phase::Listening:
      return "listening";
  }
  return "?";
}

void Lifespan::add(Resource resource) {
  const Phase phase = resource.options.phase;
  if (resource.name.empty()) throw std::invalid_argument("a resource needs a name");
  if (std::ranges::count(resources_, resource.name, &Resource::name) != 0) {
    throw std::invalid_argument("resource " + resource.name +
                                ": there is one of that name already");
  }
  if (phase == Phase::Environment || phase == Phase::Listening) {
    throw std::invalid_argument("resource " + resource.name + ": the phase " +
                                std::string(to_string(phase)) + " is the runtime's own");
  }
  const auto later = [phase](const Resource& other) { return other.options.phase > phase; };
  resources_.insert(std::ranges::find_if(resources_, later), std::move(resource));
}

}  // namespace reeve
