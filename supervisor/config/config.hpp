#pragma once
// The configuration as typed values, checked. Where each value came from (file, line, column) is
// spent on the error messages and not kept. Start-up and reload only: it reads files and blocks.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipc/address.hpp"
#include "ipc/format/fields.hpp"
#include "supervisor/core/types.hpp"

namespace reeve::supervisor {

enum class LogFormat : std::uint8_t { Text, Json };
constexpr LogFormat last_of(LogFormat) { return LogFormat::Json; }
enum class LogLevel : std::uint8_t { Debug, Info, Warn, Error };
constexpr LogLevel last_of(LogLevel) { return LogLevel::Error; }

/// What the master does once a pool is FATAL.
enum class OnFatal : std::uint8_t {
  Stay,  ///< serves on with the other pools
  Exit,  ///< stops everything and exits with 3, so that the container's runtime takes over
};
constexpr OnFatal last_of(OnFatal) { return OnFatal::Exit; }

struct SupervisorConfig {
  std::string name = "reeve";
  std::string runtime_dir;  ///< absolute; holds control.sock, notify.sock, reeve.pid, reeve.lock
  LogLevel log_level = LogLevel::Info;
  LogFormat log_format = LogFormat::Text;
  std::string log_to;                        ///< absolute; empty: stderr
  std::uint64_t log_max_size = 50ULL << 20;  ///< bytes, beyond which the file is rotated
  int log_keep = 10;                         ///< rotated files that stay: FILE.1 is the newest
  std::uint64_t log_max_line = 64ULL << 10;  ///< bytes; a longer line is logged in pieces
  OnFatal on_fatal = OnFatal::Stay;
  Duration stop_delay{};  ///< from the order to stop to the drain

  bool operator==(const SupervisorConfig&) const = default;
};
REEVE_FIELDS(SupervisorConfig, name, runtime_dir, log_level, log_format, log_to, log_max_size,
             log_keep, log_max_line, on_fatal, stop_delay)

/// How the workers of a listener share its connections.
enum class Sockets : std::uint8_t {
  Auto,       ///< not said; never in a Config that was loaded
  Shared,     ///< all accept from one socket
  PerWorker,  ///< each has its own, and gets no new connections before it is told to drain; TCP
              ///< only
};
constexpr Sockets last_of(Sockets) { return Sockets::PerWorker; }

struct ListenerConfig {
  std::string name;
  ipc::Address address;
  int backlog = 4096;
  Sockets sockets = Sockets::Auto;
  // The file of a Unix socket:
  std::optional<std::uint32_t> mode;  ///< none: what the umask leaves
  std::string owner;                  ///< empty: the master's, as `group`
  std::string group;
  std::optional<std::uint32_t> uid;  ///< what the user database said of `owner`
  std::optional<std::uint32_t> gid;

  bool operator==(const ListenerConfig&) const = default;
};
REEVE_FIELDS(ListenerConfig, name, address, backlog, sockets, mode, owner, group, uid, gid)

/// How the master learns that a worker can serve.
struct ReadyNotify {  ///< READY=1 over NOTIFY_SOCKET or the channel
  bool operator==(const ReadyNotify&) const = default;
};
struct ReadyAfter {  ///< alive this long after exec; "started": started_after
  Duration delay{};
  bool operator==(const ReadyAfter&) const = default;
};
REEVE_FIELDS(ReadyAfter, delay)
struct ReadyLog {  ///< a line of its output matches (ECMAScript regex, searched)
  std::string pattern;
  bool operator==(const ReadyLog&) const = default;
};
REEVE_FIELDS(ReadyLog, pattern)
/// A question to a worker from outside.
struct Probe {
  enum class Kind : std::uint8_t { Http, Tcp, Command };
  Kind kind{};
  std::string path;  ///< Http: "/healthz"
  /// An address to connect to, or a name to say as Host: then, or when it is empty, this machine.
  std::string host;
  std::optional<int> port;           ///< none: the one of the slot
  std::vector<int> status{200};      ///< Http: each is a good answer
  std::vector<std::string> command;  ///< Command: 0 is a good exit code
  Duration timeout = std::chrono::seconds(5);

  bool operator==(const Probe&) const = default;
};
constexpr Probe::Kind last_of(Probe::Kind) { return Probe::Kind::Command; }
REEVE_FIELDS(Probe, kind, path, host, port, status, command, timeout)

struct ReadyProbe {  ///< a probe gets a good answer
  Probe probe;
  bool operator==(const ReadyProbe&) const = default;
};
REEVE_FIELDS(ReadyProbe, probe)
/// Handed over by its place in this list: a new one comes last.
using ReadyRule = std::variant<ReadyNotify, ReadyAfter, ReadyLog, ReadyProbe>;

/// When a worker that serves counts as hung.
struct HealthRule {
  Probe probe;
  Duration interval = std::chrono::seconds(5);  ///< from an answer to the next question
  int failures = 3;                             ///< in a row

  bool operator==(const HealthRule&) const = default;
};
REEVE_FIELDS(HealthRule, probe, interval, failures)

/// What a worker may take at most, beside what the master was given.
struct Limits {
  std::map<std::string, std::uint64_t> resources;  ///< "nofile", "core" ... of setrlimit(2)
  /// memory.max of each worker's cgroup, bytes; wants one that was delegated to the master.
  std::optional<std::uint64_t> memory;

  bool operator==(const Limits&) const = default;
};
REEVE_FIELDS(Limits, resources, memory)

/// How a worker is told to end.
struct StopRule {
  enum class To : std::uint8_t { Leader, Group };
  int signal = 15;     ///< SIGTERM
  To to = To::Leader;  ///< what is left when that has ended is told too

  bool operator==(const StopRule&) const = default;
};
constexpr StopRule::To last_of(StopRule::To) { return StopRule::To::Group; }
REEVE_FIELDS(StopRule, signal, to)

/// Everything that a child needs to become somebody else without asking any more.
struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  ///< supplementary ones, for setgroups(2)
  std::string name;                   ///< empty: a number that the database does not know
  std::string home;                   ///< empty: none

  bool operator==(const User&) const = default;
};
REEVE_FIELDS(User, uid, gid, groups, name, home)

/// The error says who there is not: `no user "shop" on this machine`.
using FoundUser = std::expected<User, std::string>;
using FindUser = std::function<FoundUser(const std::string& text)>;

/// Asks the machine's user database for "shop" or "shop:group", each a name or a number. Blocks,
/// for as long as a name service behind it likes.
[[nodiscard]] FoundUser find_user(const std::string& text);

/// "HUP", "SIGHUP" or "1"; 0 when it is none.
[[nodiscard]] int signal_number(std::string text);

struct PoolConfig {
  PoolSpec spec;                     ///< what the core decides with; spec.name is the pool's name
  std::vector<std::string> command;  ///< may hold ${fd:NAME}
  std::vector<std::string> listen;   ///< names of listeners, passed as fds 3, 4, ...
  ReadyRule ready;
  Duration idle_drain = std::chrono::seconds(5);
  std::string directory;  ///< working directory; empty: the master's
  std::map<std::string, std::string> env;
  std::string env_file;                              ///< absolute; empty: none
  std::map<std::string, std::string> env_from_file;  ///< what it said when it was read
  std::vector<std::string> required_env;             ///< must be set, or no worker is started
  std::string user;            ///< empty: the master's; "user" or "user:group"
  std::optional<User> run_as;  ///< what the user database said of `user` when the file was read
  Limits limits;
  std::vector<std::string> after;  ///< pools that are up before this one and go down after it
  int watchdog_signal = 6;         ///< SIGABRT, for a core dump, or SIGKILL
  StopRule stop;
  std::optional<int> reload_signal;  ///< tells it to reload; none: a restart replaces it
  /// What slot 0 binds by itself, the next slot the next one. Then a roll has to make room.
  std::optional<int> port;
  bool autostart = true;     ///< with the master
  std::optional<int> umask;  ///< none: the master's
  std::optional<int> nice;   ///< none: the master's
  std::string app;           ///< [pool.NAME.app] as TOML, for the native worker
  std::optional<HealthRule> health;

  bool operator==(const PoolConfig&) const = default;
};
REEVE_FIELDS(PoolConfig, spec, command, listen, ready, idle_drain, directory, env, env_file,
             env_from_file, required_env, user, run_as, limits, after, watchdog_signal, stop,
             reload_signal, port, autostart, umask, nice, app, health)

/// Its workers bind ports by themselves: no two workers of a slot can run at a time, so that a roll
/// makes room first.
[[nodiscard]] bool binds_ports(const PoolConfig& pool);

struct Config {
  SupervisorConfig supervisor;
  std::vector<ListenerConfig> listeners;  ///< in file order
  std::vector<PoolConfig> pools;          ///< in file order
};

/// One thing wrong, in words that name the thing, the cause and the remedy.
struct ConfigError {
  std::string file;        ///< empty: the command line
  std::size_t line = 0;    ///< from 1; 0: not about a line
  std::size_t column = 0;  ///< from 1
  std::string text;  ///< "pool.web.listen: no listener named \"htpp\" (did you mean \"http\"?)"
};
/// "reeve.toml:12:10: pool.web.listen: ...".
[[nodiscard]] std::string to_string(const ConfigError& error);

using LoadResult = std::expected<Config, std::vector<ConfigError>>;

/// Reads and checks a file, and that what it names exists on this machine: every error at once, in
/// file order.
[[nodiscard]] LoadResult load_config(const std::string& path, const FindUser& find = find_user);
/// The same for text, of which `file` is the name; looks at no file.
[[nodiscard]] LoadResult parse_config(std::string_view text, const std::string& file);

/// `reeve run --listen ADDR --workers N -- COMMAND`, as typed.
struct QuickOptions {
  std::vector<std::string> listen;
  std::string workers = "1";      ///< a number, or "cores"
  std::string ready = "started";  ///< "started", "notify", "after=2s", "log=REGEX"
  std::vector<std::string> command;
};
/// One pool "main" on the listeners "listen1", "listen2" ..., checked as load_config does. Ready is
/// "started" unless asked for: any program is, while a foreign one never says READY=1.
[[nodiscard]] LoadResult quick_config(const QuickOptions& options);

/// What a configuration means, a line for each listener and pool, for `reeve check`.
[[nodiscard]] std::string summary(const Config& config);

}  // namespace reeve::supervisor
