#include "worker/http/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ipc/format/json_fields.hpp"

namespace reeve::worker {

void Health::set_check(HealthCheck check) {
  const auto known = std::ranges::find(checks_, check.name, &HealthCheck::name);
  (known != checks_.end() ? *known : checks_.emplace_back()) = std::move(check);
}

const HealthCheck* Health::find(std::string_view name) const {
  const auto found = std::ranges::find(checks_, name, &HealthCheck::name);
  return found == checks_.end() ? nullptr : &*found;
}

bool Health::ready() const {
  return phase_ == HealthPhase::Ready &&
         std::ranges::all_of(checks_, [](const auto& c) { return c.passing || !c.required; });
}

bool Health::degraded() const {
  return !std::ranges::all_of(checks_, [](const auto& check) { return check.passing; });
}

std::string Health::failing() const {
  std::string text;
  for (const HealthCheck& check : checks_) {
    if (check.passing) continue;
    text += fmt::format("{}{}{}{}", text.empty() ? "" : "; ", check.name,
                        check.detail.empty() ? "" : ": ", check.detail);
  }
  return text;
}

std::string_view Health::describe_phase() const {
  switch (phase_) {
    case HealthPhase::Starting:
      return "starting";
    case HealthPhase::Ready:
      if (!ready()) return "failing";
      return degraded() ? "degraded" : "ready";
    case HealthPhase::Draining:
      return "draining";
  }
  std::unreachable();
}

Response Health::live() const {
  return Response::json(R"({"status":"live"})"
                        "\n");
}

Response Health::report() const {
  std::string json = fmt::format(R"({{"phase":"{}","checks":[)", describe_phase());
  for (const HealthCheck& check : checks_) {
    if (&check != &checks_.front()) json += ',';
    json += fmt::format(R"({{"name":{},"ok":{},"required":{})", ipc::json_string(check.name),
                        check.passing, check.required);
    if (check.latency) {
      const std::chrono::duration<double, std::milli> latency = *check.latency;
      json += fmt::format(R"(,"latency_ms":{:.3f})", latency.count());
    }
    if (!check.detail.empty())
      json += fmt::format(R"(,"detail":{})", ipc::json_string(check.detail));
    json += '}';
  }
  json += "]}\n";
  return Response::json(std::move(json), ready() ? 200 : 503).header("Cache-Control", "no-store");
}

}  // namespace reeve::worker
