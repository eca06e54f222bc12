#include "worker/scheduler/zone.hpp"

#include <cctz/civil_time.h>
#include <cctz/time_zone.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <utility>

namespace reeve::worker {
namespace {

using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr const char* kLocalTime = "/etc/localtime";

// A civil_second counts from 1970, as a local_seconds does.
const cctz::civil_second kEpoch(1970, 1, 1, 0, 0, 0);

std::optional<cctz::time_zone> load(const std::string& name) {
  cctz::time_zone zone;
  if (!cctz::load_time_zone(name, &zone)) return std::nullopt;
  return zone;
}

std::string database() {
  const char* folder = std::getenv("TZDIR");
  return folder != nullptr ? folder : "/usr/share/zoneinfo";
}

std::string unknown(std::string_view name) {
  std::error_code ignored;
  if (!std::filesystem::exists(database(), ignored)) {
    return fmt::format("no time zone \"{}\": there is no {}; install the package tzdata", name,
                       database());
  }
  return fmt::format("no time zone \"{}\" in {}; its names are like \"Europe/Berlin\" and \"UTC\"",
                     name, database());
}

/// Keeps paths and other forms out that the library reads, too.
bool is_name(std::string_view name) {
  const auto belongs = [](unsigned char byte) {
    return std::isalnum(byte) != 0 || byte == '_' || byte == '-' || byte == '+' || byte == '/';
  };
  return !name.starts_with('/') && std::ranges::all_of(name, belongs);
}

/// As glibc does, apart from rules that are spelled out (POSIX's "CET-1CEST").
std::expected<cctz::time_zone, std::string> of_process() {
  const char* variable = std::getenv("TZ");
  if (variable == nullptr) return load(kLocalTime).value_or(cctz::utc_time_zone());
  std::string_view name = variable;
  if (name.starts_with(':')) name.remove_prefix(1);
  if (name.empty()) return cctz::utc_time_zone();
  if (auto zone = load(std::string(name))) return *zone;
  return std::unexpected(
      fmt::format("TZ={}: {}; or name the zone in the schedule", variable, unknown(name)));
}

}  // namespace

struct Zone::Data {
  cctz::time_zone zone;
};

Zone::Zone(std::string name, std::shared_ptr<const Data> data)
    : name_(std::move(name)), data_(std::move(data)) {}

std::expected<Zone, std::string> Zone::find(std::string_view name) {
  if (name.empty()) {
    auto zone = of_process();
    if (!zone) return std::unexpected(std::move(zone.error()));
    return Zone({}, std::make_shared<const Data>(*zone));
  }
  std::string wanted(name);
  const auto zone = is_name(name) ? load(wanted) : std::nullopt;
  if (!zone) return std::unexpected(unknown(name));
  return Zone(std::move(wanted), std::make_shared<const Data>(*zone));
}

local_seconds Zone::local(sys_seconds instant) const {
  return local_seconds(seconds(data_->zone.lookup(instant).cs - kEpoch));
}

Zone::Instants Zone::instants(local_seconds local) const {
  const auto found = data_->zone.lookup(kEpoch + local.time_since_epoch().count());
  using Lookup = cctz::time_zone::civil_lookup;
  switch (found.kind) {
    case Lookup::UNIQUE:
      return {Kind::Unique, found.pre, found.pre, {}};
    case Lookup::SKIPPED:
      return {Kind::Skipped, found.trans, found.trans, found.pre - found.post};
    case Lookup::REPEATED:
      return {Kind::Repeated, found.pre, found.post, {}};
  }
  std::unreachable();
}

}  // namespace reeve::worker
