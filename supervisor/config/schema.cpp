#include "supervisor/config/schema.hpp"

#include <fmt/format.h>

#include "supervisor/config/limits.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/config/user.hpp"
#include "supervisor/config/values.hpp"
#include "supervisor/config/variables.hpp"

namespace reeve::supervisor::config {
namespace {

using enum Need;
using std::chrono::hours;
using std::chrono::milliseconds;

constexpr Range<int> kLogFiles{.least = 0, .most = 1'000};
constexpr Range<int> kBacklog{.least = 1, .most = 1'000'000};  // net.core.somaxconn lowers it.
constexpr Range<int> kFailures{.least = 1, .most = 1'000};
constexpr Range<int> kUpToAllWorkers{.least = 0, .most = kMostWorkers};
constexpr Range<int> kOneToAllWorkers{.least = 1, .most = kMostWorkers};
constexpr Range<double> kShare{.least = 0, .most = 1};

// No wait is without an end, and none is longer than a day.
constexpr Range<Duration> kUpToADay{.least = milliseconds(1), .most = hours(24)};
constexpr Range<Duration> kNoneToADay{.least = milliseconds(0), .most = hours(24)};

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

constexpr std::array<Word<OnFatal>, 2> kOnFatal{{{"stay", OnFatal::Stay}, {"exit", OnFatal::Exit}}};
constexpr std::array<Word<RollFailure>, 2> kRollFailures{
    {{"rollback", RollFailure::Rollback}, {"pause", RollFailure::Pause}}};

constexpr Range<std::uint64_t> kLogSize{.least = 4 << 10, .most = 1ULL << 40};
constexpr Range<std::uint64_t> kLongestLine{.least = 256, .most = 1 << 20};
constexpr Range<std::uint64_t> kWorkerMemory{.least = 1 << 20, .most = 1ULL << 50};
constexpr Range<std::uint64_t> kRequests{.least = 1, .most = 1'000'000'000'000};
constexpr Range<Duration> kAge{.least = milliseconds(100), .most = hours(24 * 365)};

}  // namespace

constinit const std::array<Key<SupervisorConfig>, 10> kSupervisorKeys{{
    {"name", Optional, R"("reeve")", "what this master calls itself in its log",
     [](const Cell& cell, SupervisorConfig& to) { read_name(cell, to.name); }},
    {"runtime_dir", Optional, "see below", "absolute; holds the control socket, pidfile and lock",
     [](const Cell& cell, SupervisorConfig& to) { read_runtime_dir(cell, to.runtime_dir); }},
    {"log.level", Optional, R"("info")", R"(`"debug"`, `"info"`, `"warn"` or `"error"`)",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.log_level, kLogLevels); }},
    {"log.format", Optional, R"("text")", R"(`"text"` or `"json"`)",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.log_format, kLogFormats); }},
    {"log.to", Optional, R"("stderr")", R"(`"stderr"`, or the absolute path of a file)",
     [](const Cell& cell, SupervisorConfig& to) { read_log_to(cell, to.log_to); }},
    {"log.max_size", Optional, R"("50MiB")", "a log file of this size is rotated",
     [](const Cell& cell, SupervisorConfig& to) { cell.read_size(to.log_max_size, kLogSize); }},
    {"log.keep", Optional, "10", "how many rotated log files are kept; the newest is `FILE.1`",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.log_keep, kLogFiles); }},
    {"log.max_line", Optional, R"("64KiB")", "a longer line of a worker is logged in pieces",
     [](const Cell& cell, SupervisorConfig& to) { cell.read_size(to.log_max_line, kLongestLine); }},
    {"on_fatal", Optional, R"("stay")",
     R"(when a pool is FATAL: `"stay"` with the others, or `"exit"` with code 3, for containers)",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.on_fatal, kOnFatal); }},
    {"stop_delay", Optional, R"("0s")",
     "from TERM to the drain; readiness says 503 meanwhile, and all is served",
     [](const Cell& cell, SupervisorConfig& to) { cell.read(to.stop_delay, kNoneToADay); }},
}};

constinit const std::array<Key<ListenerConfig>, 6> kListenerKeys{{
    {"address", Required, "",
     R"(`"HOST:PORT"`, `":PORT"`, `"[::]:PORT"`, `"unix:/PATH"` or `"systemd:NAME"`)",
     [](const Cell& cell, ListenerConfig& to) { read_address(cell, to.address); }},
    {"backlog", Optional, "4096", "connections that may wait to be accepted",
     [](const Cell& cell, ListenerConfig& to) { cell.read(to.backlog, kBacklog); }},
    {"sockets", Optional, "see below", R"(`"shared"` or `"per-worker"`: how workers accept)",
     [](const Cell& cell, ListenerConfig& to) { cell.read(to.sockets, kSockets); }},
    {"mode", Optional, "see below", R"(of a Unix socket's file: `"0660"`)",
     [](const Cell& cell, ListenerConfig& to) { read_mode(cell, to.mode); }},
    {"owner", Optional, "the master's", "the user whom the file of a Unix socket belongs to",
     [](const Cell& cell, ListenerConfig& to) { read_owner(cell, to.owner); }},
    {"group", Optional, "the master's", "and the group",
     [](const Cell& cell, ListenerConfig& to) { read_owner(cell, to.group); }},
}};

constinit const std::array<Key<PoolConfig>, 39> kPoolKeys{{
    {"command", Required, "",
     "the program and its arguments; may hold `${fd:NAME}`, `${slot}`, `${port}`",
     [](const Cell& cell, PoolConfig& to) { read_command(cell, to.command); }},
    {"workers", Optional, "1", R"(how many workers, or `"cores"`)",
     [](const Cell& cell, PoolConfig& to) { read_workers(cell, to.spec.workers); }},
    {"listen", Optional, "[]", "names of listeners, passed as fd 3 and up",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.listen); }},
    {"port", Optional, "none",
     "that its first worker binds by itself, as `${port}`; the next the next",
     [](const Cell& cell, PoolConfig& to) {
       cell.read(to.port, Range<int>{.least = 1, .most = 65535});
     }},
    {"after", Optional, "[]", "pools that must be ready before this one starts, and stop after it",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.after); }},
    {"ready", Optional, R"("notify")",
     R"(`"notify"` (it says `READY=1`), `"started"`, `{ after = "2s" }`, `{ log = "regex" }`, or a probe: `{ http = "/healthz" }`, `{ tcp = 8080 }`, `{ command = ["check"] }`)",
     [](const Cell& cell, PoolConfig& to) { read_ready(cell, to); }},
    {"started_after", Optional, "one second",
     R"(`ready = "started"` means: it lives for this long)",
     [](const Cell& cell, PoolConfig& to) { read_started_after(cell, to); }},
    {"start_timeout", Optional, R"("60s")", "time to become ready; then the worker is killed",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.start_timeout, kUpToADay); }},
    {"grace", Optional, R"("30s")", "time to finish when told to stop; then the worker is killed",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.grace, kUpToADay); }},
    {"stop", Optional, R"("TERM")",
     R"(the signal that tells a worker to stop; or `{ signal = "QUIT", to = "group" }` for its whole process group)",
     [](const Cell& cell, PoolConfig& to) { read_stop(cell, to.stop); }},
    {"reload", Optional, "none",
     R"(`{ signal = "HUP" }`: a `restart` sends that to a program with a master of its own, instead of replacing it)",
     [](const Cell& cell, PoolConfig& to) { read_reload(cell, to); }},
    {"idle_drain", Optional, R"("5s")",
     "how long a keep-alive connection may stay silent in a rolling restart before it is closed "
     "(native workers)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.idle_drain, kNoneToADay); }},
    {"watchdog", Optional, "none",
     R"(the longest time without a sign of life; or `{ timeout = "15s", signal = "kill" }`)",
     [](const Cell& cell, PoolConfig& to) { read_watchdog(cell, to); }},
    {"health", Optional, "none",
     R"(a probe that a worker which serves has to answer, as `{ http = "/healthz", interval = "5s", failures = 3 }`)",
     [](const Cell& cell, PoolConfig& to) { read_health(cell, to.health); }},
    {"restart", Optional, R"("always")", R"(`"always"`, `"on-failure"` or `"never"`)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.restart, kRestartRules); }},
    {"expected_exit", Optional, "[0]", "exit codes that are no failure",
     [](const Cell& cell, PoolConfig& to) { read_exit_codes(cell, to.spec.expected_exit); }},
    {"autostart", Optional, "true", "whether it starts with the master",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.autostart); }},
    {"backoff.first", Optional, R"("100ms")", "the first pause after a crash; it doubles each time",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.backoff_first, kUpToADay); }},
    {"backoff.max", Optional, R"("30s")", "the longest pause",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.backoff_max, kUpToADay); }},
    {"give_up.failures", Optional, "see below", "how many failed starts make a slot FATAL",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.give_up_failures, kFailures); }},
    {"give_up.within", Optional, "one minute", "the time within which they must happen",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.give_up_within, kUpToADay); }},
    {"recycle.requests", Optional, "none",
     "a worker that has answered this many is replaced (native workers)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.recycle.requests, kRequests); }},
    {"recycle.memory", Optional, "none",
     R"(a worker that uses this much memory is replaced: `"512MiB"`, `"1GB"`)",
     [](const Cell& cell, PoolConfig& to) {
       to.spec.recycle.memory_bytes = cell.size(kWorkerMemory);
     }},
    {"recycle.age", Optional, "none", "a worker that has served this long is replaced",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.recycle.age, kAge); }},
    {"recycle.jitter", Optional, "0.2",
     "each limit is lowered at random by up to this share, so that not all are replaced at once",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.recycle.jitter, kShare); }},
    {"rolling.surge", Optional, "1", "how many successors a rolling restart starts at a time",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.surge, kUpToAllWorkers); }},
    {"rolling.soak", Optional, R"("0s")",
     "time a successor serves beside the old worker before that one drains",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.soak, kNoneToADay); }},
    {"rolling.on_failure", Optional, R"("rollback")",
     R"(`"rollback"`: all slots return to the old version; `"pause"`: nothing more is replaced)",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.on_failure, kRollFailures); }},
    {"rolling.max_unavailable", Optional, "0",
     "workers that may stop before their successors start; with it, `surge` may be 0",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.max_unavailable, kUpToAllWorkers); }},
    {"rolling.max_draining", Optional, "`workers`",
     "how many old workers may be draining at a time",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.spec.max_draining, kOneToAllWorkers); }},
    {"directory", Optional, "the master's", "the working directory",
     [](const Cell& cell, PoolConfig& to) { cell.read(to.directory); }},
    {"env", Optional, "{}", "variables on top of the master's environment",
     [](const Cell& cell, PoolConfig& to) { read_env(cell, to.env); }},
    {"env_file", Optional, "none",
     "a file of `NAME=value` lines, relative to this one; `env` wins over it",
     [](const Cell& cell, PoolConfig& to) { read_env_file(cell, to.env_file); }},
    {"required_env", Optional, "[]", "variables without which no worker is started",
     [](const Cell& cell, PoolConfig& to) { read_required_env(cell, to.required_env); }},
    {"user", Optional, "the master's", R"(`"USER"` or `"USER:GROUP"` that the workers run as)",
     [](const Cell& cell, PoolConfig& to) { read_user(cell, to.user); }},
    {"umask", Optional, "the master's", R"(of the files that it makes, octal: `"027"`)",
     [](const Cell& cell, PoolConfig& to) { read_umask(cell, to.umask); }},
    {"nice", Optional, "the master's", "its priority, from -20 (the first served) to 19",
     [](const Cell& cell, PoolConfig& to) {
       cell.read(to.nice, Range<int>{.least = -20, .most = 19});
     }},
    {"limits", Optional, "{}",
     R"(`{ nofile = 65536, core = "unlimited" }` of setrlimit(2); `memory = "1GiB"` of its cgroup)",
     [](const Cell& cell, PoolConfig& to) { read_limits(cell, to.limits); }},
    {"app", Optional, "{}", "a table of the program's own; native workers can read it",
     [](const Cell& cell, PoolConfig& to) { read_app(cell, to.app); }},
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
  std::vector<DocumentedKey> documented{
      {.path = "include",
       .need = Optional,
       .fallback = "[]",
       .meaning = "files whose `listen` and `pool` tables count as if they stood here, as "
                  "`[\"conf.d/*.toml\"]`; at the top of the file"}};
  document("supervisor", kSupervisorKeys, documented);
  document("listen.NAME", kListenerKeys, documented);
  document("pool.NAME", kPoolKeys, documented);
  return documented;
}

}  // namespace reeve::supervisor::config
