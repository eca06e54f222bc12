#include "supervisor/config/limits.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <limits>

namespace reeve::supervisor {
namespace {

enum class Unit : std::uint8_t { Bytes, Seconds, Count };

struct Resource {
  std::string_view name;
  int number;
  Unit unit;
};
// Without RLIMIT_RSS and RLIMIT_LOCKS, which Linux ignores, and RLIMIT_NICE, which counts
// backwards.
constexpr std::array<Resource, 13> kResources{{{"as", RLIMIT_AS, Unit::Bytes},
                                               {"core", RLIMIT_CORE, Unit::Bytes},
                                               {"cpu", RLIMIT_CPU, Unit::Seconds},
                                               {"data", RLIMIT_DATA, Unit::Bytes},
                                               {"fsize", RLIMIT_FSIZE, Unit::Bytes},
                                               {"memlock", RLIMIT_MEMLOCK, Unit::Bytes},
                                               {"msgqueue", RLIMIT_MSGQUEUE, Unit::Bytes},
                                               {"nofile", RLIMIT_NOFILE, Unit::Count},
                                               {"nproc", RLIMIT_NPROC, Unit::Count},
                                               {"rtprio", RLIMIT_RTPRIO, Unit::Count},
                                               {"rttime", RLIMIT_RTTIME, Unit::Count},
                                               {"sigpending", RLIMIT_SIGPENDING, Unit::Count},
                                               {"stack", RLIMIT_STACK, Unit::Bytes}}};

const Resource* find_resource(std::string_view name) {
  const auto* found = std::ranges::find(kResources, name, &Resource::name);
  return found == kResources.end() ? nullptr : found;
}

}  // namespace

std::optional<int> resource_number(std::string_view name) {
  const Resource* resource = find_resource(name);
  return resource ? std::optional(resource->number) : std::nullopt;
}

namespace config {
namespace {

constexpr std::string_view kMemory = "memory";  // A limit of the cgroup, and not of setrlimit(2).
constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr Range<std::uint64_t> kMemoryRange{.least = 1 << 20, .most = 1ULL << 50};
// With fewer, no program could load its libraries, nor a native worker open its own descriptors.
constexpr std::uint64_t kFewestFiles = 16;

bool is_unlimited(const Cell& cell) {
  const auto* word = std::get_if<std::string>(&cell.value().data);
  return word && *word == "unlimited";
}

std::optional<std::uint64_t> read_count(const Cell& cell, Range<std::uint64_t> range,
                                        std::string_view or_else) {
  const auto count = cell.whole(range);
  if (!count) cell.expected(fmt::format("a whole number from {}{}", range.least, or_else));
  return count;
}

std::optional<std::uint64_t> read_resource(const Cell& cell, const Resource& resource) {
  if (resource.number == RLIMIT_NOFILE) {  // The kernel has no endless table of fds.
    return read_count(cell, {.least = kFewestFiles, .most = kMost}, " up");
  }
  if (is_unlimited(cell)) return RLIM_INFINITY;
  if (resource.unit == Unit::Bytes) {
    const auto* text = std::get_if<std::string>(&cell.value().data);
    if (text || std::holds_alternative<std::int64_t>(cell.value().data)) {
      return cell.size({.least = 0, .most = kMost});
    }
    cell.expected("a size such as \"512MiB\", or \"unlimited\"");
    return std::nullopt;
  }
  return read_count(cell, {.least = 0, .most = kMost},
                    resource.unit == Unit::Seconds ? " up, of seconds, or \"unlimited\""
                                                   : " up, or \"unlimited\"");
}

/// fs.nr_open, which bounds RLIMIT_NOFILE for root, too.
std::uint64_t most_files() {
  std::ifstream file("/proc/sys/fs/nr_open");
  std::uint64_t most = 0;
  return file >> most ? most : kMost;
}

void check_limit(const Cell& cell, const Resource& resource, std::uint64_t value) {
  if (resource.number == RLIMIT_NOFILE) {
    if (const std::uint64_t most = most_files(); value > most) {
      return cell.refuse(fmt::format(
          "{} is more than the {} that this machine allows (sysctl fs.nr_open)", value, most));
    }
  }
  rlimit own{};
  const auto number = static_cast<__rlimit_resource>(resource.number);
  if (::geteuid() == 0 || ::getrlimit(number, &own) != 0 || value <= own.rlim_max) return;
  cell.refuse(
      fmt::format("more than the {} that reeve itself was given, and only root can raise that; "
                  "lower it, or raise the limit of reeve (ulimit -H, or systemd's Limit{}=)",
                  own.rlim_max, [&] {
                    std::string name(resource.name);
                    std::ranges::transform(name, name.begin(), [](char c) {
                      return static_cast<char>(c - 'a' + 'A');  // All are lower-case letters.
                    });
                    return name;
                  }()));
}

}  // namespace

void read_limits(const Cell& cell, Limits& to) {
  const Table* table = cell.table("a table such as { nofile = 65536, memory = \"512MiB\" }");
  if (!table) return;
  for (const Entry& entry : *table) {
    const Cell limit = cell.child(entry);
    if (entry.key == kMemory) {
      to.memory = limit.size(kMemoryRange);
    } else if (const Resource* resource = find_resource(entry.key)) {
      if (const auto value = read_resource(limit, *resource)) to.resources[entry.key] = *value;
    } else {
      std::vector<std::string_view> known{kMemory};
      for (const Resource& each : kResources) known.push_back(each.name);
      cell.refuse_unknown(entry, "limit", known);
    }
  }
}

void check_limits(const Sourced<PoolConfig>& pool) {
  for (const auto& [name, value] : pool.value.limits.resources) {
    check_limit(*pool.table.find("limits." + name), *find_resource(name), value);
  }
}

}  // namespace config
}  // namespace reeve::supervisor
