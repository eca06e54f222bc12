#include "supervisor/config/schema.hpp"

#include <fmt/format.h>

#include "supervisor/config/values.hpp"

namespace reeve::supervisor::config {
namespace {

using enum Need;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr int kMostWorkers = 10'000;
constexpr int kMostFailures = 1'000;
constexpr int kMostBacklog = 1'000'000;  // The kernel lowers it to net.core.somaxconn.

// No wait is without an end, and none is longer than a day.
constexpr Range<Duration> kUpToADay{.least = milliseconds(1), .most = hours(24)};
constexpr Range<Duration> kUpToADayOrNone{.least = milliseconds(0), .most = hours(24)};

constexpr std::array<Word<LogLevel>, 4> kLogLevels{{{"debug", LogLevel::Debug},
                                                    {"info", LogLevel::Info},
                                                    {"warn", LogLevel::Warn},
                                                    {"error", LogLevel::Error}}};
constexpr std::array<Word<LogFormat>, 2> kLogFormats{
    {{"text", LogFormat::Text}, {"json", LogFormat::Json}}};
constexpr std::array<Word<Sockets>, 2> kSockets{
    {{"shared", Sockets::Shared}, {"per-worker", Sockets::PerWorker}}};
constexpr std::array<Word<RestartRule>, 3> kRestartRules{{{"always", RestartRule::Always},
                                                          {"on-failure", RestartRule::OnFailure},
                                                          {"never", RestartRule::Never}}};

template <class T>
constexpr Key<T> not_yet(std::string_view name) {
  return {name, NotYet, "", "", nullptr};
}

}  // namespace

constinit const std::array<Key<SupervisorConfig>, 8> kSupervisorKeys{{
    {"name", Optional, R"("reeve")", "what this master calls itself in its log",
     [](const Cell& cell, SupervisorConfig& to) { read_name(cell, to.name); }},
    {"runtime_dir", Optional, "see below", "absolute; holds the control socket, pidfile and lock",
     [](const Cell& cell, SupervisorConfig& to) { read_runtime_dir(cell, to.runtime_dir); }},
    {"log.level", Optional, R"("info")", R"(`"debug"`, `"info"`, `"warn"` or `"error"`)",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.log_level, kLogLevels); }},
    {"log.format", Optional, R"("text")", R"(`"text"` or `"json"`)",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.log_format, kLogFormats); }},
    not_yet<SupervisorConfig>("log.to"),
    not_yet<SupervisorConfig>("log.max_size"),
    not_yet<SupervisorConfig>("log.keep"),
    not_yet<SupervisorConfig>("on_fatal"),
}};

constinit const std::array<Key<ListenerConfig>, 3> kListenerKeys{{
    {"address", Required, "",
     R"(`"HOST:PORT"`, `":PORT"`, `"[::]:PORT"`, `"unix:/PATH"` or `"systemd:NAME"`)",
     [](const Cell& cell, ListenerConfig& to) { read_address(cell, to.address); }},
    {"backlog", Optional, "4096", "connections that may wait to be accepted",
     [](const Cell& cell, ListenerConfig& to) {
       cell.read(to.backlog, {.least = 1, .most = kMostBacklog});
     }},
    {"sockets", Optional, "see below", R"(`"shared"` or `"per-worker"`: how workers accept)",
     [](const Cell& cell, ListenerConfig& to) { cell.read(to.sockets, kSockets); }},
}};

constinit const std::array<Key<PoolConfig>, 24> kPoolKeys{{
    {"command", Required, "", "the program and its arguments; `${fd:NAME}` is a listener's fd",
     [](const Cell& cell, PoolConfig& to) { read_command(cell, to.command); }},
    {"workers", Optional, "1", R"(how many, or `"cores"`)",
     [](const Cell& cell, PoolConfig& to) {
       read_workers(cell, to.spec.workers, {.least = 0, .most = kMostWorkers});
     }},
    {"listen", Optional, "[]", "names of listeners, passed as fd 3 and up",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.listen); }},
    {"ready", Optional, R"("notify")",
     R"(`"notify"`: it says `READY=1`; `"started"`; `{ after = "2s" }`; `{ log = "regex" }`)",
     [](const Cell& cell, PoolConfig& to) { read_ready(cell, to); }},
    {"start_timeout", Optional, R"("60s")", "to become ready; then it is killed",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.start_timeout, kUpToADay); }},
    {"grace", Optional, R"("30s")", "to finish after SIGTERM; then it is killed",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.grace, kUpToADay); }},
    {"idle_drain", Optional, R"("5s")",
     "silence that ends an idle keep-alive connection in a rolling restart (native workers)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.idle_drain, kUpToADayOrNone); }},
    {"restart", Optional, R"("always")", R"(`"always"`, `"on-failure"` or `"never"`)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.restart, kRestartRules); }},
    {"backoff.first", Optional, R"("100ms")", "the first pause after a crash; doubled each time",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.backoff_first, kUpToADay); }},
    {"backoff.max", Optional, R"("30s")", "the longest pause",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.backoff_max, kUpToADay); }},
    {"give_up.failures", Optional, "5", "so many crashes make a slot FATAL",
     [](const Cell& cell, PoolConfig& to) {
       cell.read(to.spec.give_up_failures, {.least = 1, .most = kMostFailures});
     }},
    {"give_up.within", Optional, R"("60s")", "when they happen within this time",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.give_up_within, kUpToADay); }},
    {"rolling.surge", Optional, "1", "successors that a rolling restart starts at a time",
     [](const Cell& cell, PoolConfig& to) {
       cell.read(to.spec.surge, {.least = 1, .most = kMostWorkers});
     }},
    {"rolling.max_draining", Optional, "`workers`", "old workers that may still be draining",
     [](const Cell& cell, PoolConfig& to) {
       int most = 0;
       cell.read(most, {.least = 1, .most = kMostWorkers});
       if (most > 0) to.spec.max_draining = most;
     }},
    {"directory", Optional, "the master's", "the working directory",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.directory); }},
    {"env", Optional, "{}", "variables on top of the master's environment",
     [](const Cell& cell, PoolConfig& to) { read_env(cell, to.env); }},
    not_yet<PoolConfig>("watchdog"),
    not_yet<PoolConfig>("recycle"),
    not_yet<PoolConfig>("rolling.soak"),
    not_yet<PoolConfig>("user"),
    not_yet<PoolConfig>("env_file"),
    not_yet<PoolConfig>("required_env"),
    not_yet<PoolConfig>("limits"),
    not_yet<PoolConfig>("app"),
}};

namespace {

template <class T, std::size_t N>
void document(std::string_view table, const std::array<Key<T>, N>& keys,
              std::vector<DocumentedKey>& documented) {
  for (const Key<T>& key : keys) {
    documented.push_back({.path = fmt::format("{}.{}", table, key.name),
                          .need = key.need,
                          .fallback = key.fallback,
                          .meaning = key.meaning});
  }
}

}  // namespace

std::vector<DocumentedKey> documented_keys() {
  std::vector<DocumentedKey> documented;
  document("supervisor", kSupervisorKeys, documented);
  document("listen.NAME", kListenerKeys, documented);
  document("pool.NAME", kPoolKeys, documented);
  return documented;
}

}  // namespace reeve::supervisor::config
