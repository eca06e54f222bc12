#include "reeve/lifespan.hpp"

#include <algorithm>
#include <stdexcept>

#include "ipc/base/enum_word.hpp"

namespace reeve {
namespace {

[[noreturn]] void refuse(const std::string& what, const std::string& why) {
  throw std::invalid_argument(what + ": " + why);
}

void refuse_runtimes_own(const std::string& what, Phase phase) {
  if (phase != Phase::Environment && phase != Phase::Listening) return;
  refuse(what, "the phase " + std::string(to_string(phase)) + " is the runtime's own");
}

}  // namespace

std::string_view to_string(Phase phase) {
  return ipc::word_of<Phase::Listening>(
      phase, {"environment", "connections", "providers", "scheduler", "listening"});
}

std::string_view to_string(Kind kind) {
  return ipc::word_of<Kind::Other>(kind, {"telemetry", "database", "client", "cache", "other"});
}

void detail::refuse_nonsense(const Resource& resource, Phase where) {
  using std::chrono::milliseconds;
  if (resource.name.empty()) throw std::invalid_argument("a resource needs a name");
  const ResourceOptions& options = resource.options;
  const std::string what = "resource " + resource.name;
  if (options.phase != Phase::Connections && options.phase != where) {
    refuse(what, "its phase is " + std::string(to_string(options.phase)) +
                     ", but it opens in that of its scope, " + std::string(to_string(where)));
  }
  if (options.open_within <= milliseconds(0)) refuse(what, "open_within must be more than 0");
  if (options.close_within <= milliseconds(0)) refuse(what, "close_within must be more than 0");
  if (options.need == Need::Required && options.retry != Retry()) {
    refuse(what, "only an optional resource is retried; is `.need = Need::Optional` missing?");
  }
  if (options.retry.first <= milliseconds(0) || options.retry.max < options.retry.first) {
    refuse(what, "the first pause of a retry must be more than 0, and not longer than the longest");
  }
}

void Lifespan::add(Resource resource) {
  const Phase phase = resource.options.phase;
  detail::refuse_nonsense(resource, phase);
  const std::string what = "resource " + resource.name;
  refuse_runtimes_own(what, phase);
  const auto same = [&](const Part& part) { return part.resource.name == resource.name; };
  if (std::ranges::any_of(parts_, same)) refuse(what, "there is one of that name already");
  insert({.phase = phase, .resource = std::move(resource), .function = {}});
}

void Lifespan::add(Function function, Phase phase) {
  refuse_runtimes_own("lifespan function", phase);
  insert({.phase = phase, .resource = {}, .function = std::move(function)});
}

void Lifespan::insert(Part part) {
  const auto later = [&part](const Part& other) { return other.phase > part.phase; };
  parts_.insert(std::ranges::find_if(parts_, later), std::move(part));
}

void Lifespan::add(Check check) {
  using std::chrono::milliseconds;
  if (check.name.empty()) throw std::invalid_argument("a check needs a name");
  const std::string what = "check " + check.name;
  if (std::ranges::count(checks_, check.name, &Check::name) != 0) {
    refuse(what, "there is one of that name already");
  }
  if (check.options.within <= milliseconds(0)) refuse(what, "within must be more than 0");
  if (check.options.cached_for < milliseconds(0)) refuse(what, "cached_for must not be negative");
  if (check.options.every < milliseconds(0)) refuse(what, "every must not be negative");
  checks_.push_back(std::move(check));
}

}  // namespace reeve
