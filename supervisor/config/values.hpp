#pragma once
// The values that need more than a type and a range. Each reads one key and complains as Cell does.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/config/cell.hpp"
#include "supervisor/config/config.hpp"

namespace reeve::supervisor::config {

inline constexpr int kMostWorkers = 10'000;

/// Why `name` cannot be the name of a pool, a listener or a master; empty when it can.
[[nodiscard]] std::string refuse_name(std::string_view name);

void read_name(const Cell& cell, std::string& to);
/// An absolute path with room for the sockets below it.
void read_runtime_dir(const Cell& cell, std::string& to);
void read_address(const Cell& cell, ipc::Address& to);
/// Permissions, as chmod(1) writes them: "0660", or 0o660.
void read_mode(const Cell& cell, std::optional<std::uint32_t>& to);
/// The name or number of a user or a group.
void read_owner(const Cell& cell, std::string& to);
void read_command(const Cell& cell, std::vector<std::string>& to);
/// A number, or "cores": those that this process may run on.
void read_workers(const Cell& cell, int& to);
/// Also `spec.ready_after`, which is the core's half of the rule.
void read_ready(const Cell& cell, PoolConfig& to);
/// After read_ready: the time that `ready = "started"` means.
void read_started_after(const Cell& cell, PoolConfig& to);
/// "stderr", which is the empty path, or an absolute one.
void read_log_to(const Cell& cell, std::string& to);
/// A duration, or { timeout = ..., signal = ... }.
void read_watchdog(const Cell& cell, PoolConfig& to);
/// The name of a signal, or { signal = ..., to = ... }.
void read_stop(const Cell& cell, StopRule& to);
void read_reload(const Cell& cell, PoolConfig& to);
void read_exit_codes(const Cell& cell, std::vector<int>& to);
/// Octal digits.
void read_umask(const Cell& cell, std::optional<int>& to);
/// Any table, kept as text.
void read_app(const Cell& cell, std::string& to);

}  // namespace reeve::supervisor::config
