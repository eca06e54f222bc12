#include "worker/http/health.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace reeve::worker {
namespace {

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\u{:04x}", c);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

std::string_view to_string(HealthPhase phase) {
  switch (phase) {
    case HealthPhase::Starting:
      return "starting";
    case HealthPhase::Ready:
      return "ready";
    case HealthPhase::Draining:
      return "draining";
  }
  std::unreachable();
}

void Health::set_check(std::string name, bool passing, bool required, std::string detail) {
  const auto known = std::ranges::find(checks_, name, &Check::name);
  Check& check = known != checks_.end() ? *known : checks_.emplace_back();
  check = {std::move(name), passing, required, std::move(detail)};
}

void Health::remove_check(std::string_view name) {
  std::erase_if(checks_, [name](const Check& check) { return check.name == name; });
}

bool Health::ready() const {
  return phase_ == HealthPhase::Ready &&
         std::ranges::all_of(checks_, [](const Check& c) { return c.passing || !c.required; });
}

Response Health::live() const {
  return Response::json(R"({"status":"live"})"
                        "\n");
}

Response Health::report() const {
  const bool failing = phase_ == HealthPhase::Ready && !ready();
  std::string json =
      fmt::format(R"({{"status":"{}","checks":{{)", failing ? "failing" : to_string(phase_));
  for (const Check& check : checks_) {
    if (&check != &checks_.front()) json += ',';
    json += fmt::format(R"({}:{{"status":"{}","required":{})", json_string(check.name),
                        check.passing ? "pass" : "fail", check.required);
    if (!check.detail.empty()) json += fmt::format(R"(,"detail":{})", json_string(check.detail));
    json += '}';
  }
  json += "}}\n";
  return Response::json(std::move(json), ready() ? 200 : 503).header("Cache-Control", "no-store");
}

}  // namespace reeve::worker
