#pragma once
// The one table of the control protocol's methods, with what master and client must know about
// each; and its other words that need no JSON. Pure.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reeve::ipc::control {

enum class Method : std::uint8_t {
  Status,
  Start,
  Stop,
  Restart,
  Scale,
  Signal,
  Pid,
  Tail,
  Reload,
  Shutdown,
  Version,
  Deploy,    ///< rereads one pool's configuration and rolls to it, with a canary if asked for
  Rollback,  ///< returns to the pool's previous configuration
  Rehearse,  ///< one worker's whole life, off-traffic; streams its steps
  Upgrade,   ///< replaces the master in place
  Why,       ///< reports of the last deaths
  Events,    ///< streams what happens
  Reread,    ///< what differs between the file and what runs; changes nothing
  Update,    ///< puts the difference into force, of the named pools or of all
  Add,       ///< of the named pools, those that the file has and the master has not
  Remove,    ///< forgets stopped pools
  Avail,     ///< every pool of the file, and whether it is in use
  Clear,     ///< forgets the past output of workers
  Maintail,  ///< the master's own log
};

enum class Follows : std::uint8_t { Never, WithMore, Always };

struct MethodTraits {
  struct Does {
    bool starts = false;               ///< may start a worker: refused once the master shuts down
    bool changes = false;              ///< changes what runs: told to those who follow the events
    bool streams = false;              ///< the client asks with `more`, to be told how it goes
    Follows follows = Follows::Never;  ///< the answer ends only with the client or the master
  };
  Method method;
  std::string_view name;  ///< after "dev.reeve."
  Does does = {};
};

/// In the order of the enumerators.
inline constexpr std::array kMethods = {
    MethodTraits{Method::Status, "Status", {}},
    MethodTraits{Method::Start, "Start", {.starts = true, .changes = true}},
    MethodTraits{Method::Stop, "Stop", {.changes = true}},
    MethodTraits{Method::Restart, "Restart", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Scale, "Scale", {.starts = true, .changes = true}},
    MethodTraits{Method::Signal, "Signal", {.changes = true}},
    MethodTraits{Method::Pid, "Pid", {}},
    MethodTraits{Method::Tail, "Tail", {.follows = Follows::WithMore}},
    MethodTraits{Method::Reload, "Reload", {.starts = true, .changes = true}},
    MethodTraits{Method::Shutdown, "Shutdown", {.changes = true}},
    MethodTraits{Method::Version, "Version", {}},
    MethodTraits{Method::Deploy, "Deploy", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Rollback, "Rollback", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Rehearse, "Rehearse", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Upgrade, "Upgrade", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Why, "Why", {}},
    MethodTraits{Method::Events, "Events", {.streams = true, .follows = Follows::Always}},
    MethodTraits{Method::Reread, "Reread", {}},
    MethodTraits{Method::Update, "Update", {.starts = true, .changes = true, .streams = true}},
    MethodTraits{Method::Add, "Add", {.starts = true, .changes = true}},
    MethodTraits{Method::Remove, "Remove", {.changes = true}},
    MethodTraits{Method::Avail, "Avail", {}},
    MethodTraits{Method::Clear, "Clear", {}},
    MethodTraits{Method::Maintail, "Maintail", {.follows = Follows::WithMore}},
};

/// Whether a table has one entry for each method, in their order.
template <class Table>
[[nodiscard]] constexpr bool lists_all_methods(const Table& table) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].method != static_cast<Method>(i)) return false;
  }
  return table.size() == static_cast<std::size_t>(Method::Maintail) + 1;
}
static_assert(lists_all_methods(kMethods));

[[nodiscard]] constexpr const MethodTraits::Does& traits(Method method) {
  return kMethods[static_cast<std::size_t>(method)].does;
}
[[nodiscard]] constexpr std::string_view to_string(Method method) {
  return kMethods[static_cast<std::size_t>(method)].name;
}

/// How many workers `scale` asks for: "4", "+1", "-2".
struct ScaleBy {
  bool relative = false;
  int count = 0;
  bool operator==(const ScaleBy&) const = default;
};

/// Reads and writes "4", "+1", "-2". Refuses a count past kMaxScale.
[[nodiscard]] std::optional<ScaleBy> parse_scale(std::string_view text);
[[nodiscard]] std::string to_string(const ScaleBy& scale);
inline constexpr int kMaxScale = 10'000;

}  // namespace reeve::ipc::control
