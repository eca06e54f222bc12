#pragma once
// What each part of a handover consists of: one list for the writer and the reader, so that they
// cannot differ. Each list names all members of its struct: a new one does not compile before it is
// handed over here too. Enumerations come with their last value, as a bound for the reader.
// Included by the codec alone.

#include <type_traits>

#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

/// T as `Io` takes it: a reader writes to it.
template <class Io, class T>
using Part = std::conditional_t<Io::kWrites, const T, T>;

template <class Io>
void fields(Io& io, Part<Io, ipc::Address>& part) {
  auto& [kind, host, port, path] = part;
  io("kind", kind, ipc::Address::Kind::Systemd);
  io("host", host);
  io("port", port);
  io("path", path);
}

template <class Io>
void fields(Io& io, Part<Io, Recycling>& part) {
  auto& [requests, memory_bytes, age, jitter] = part;
  io("requests", requests);
  io("memory_bytes", memory_bytes);
  io("age", age);
  io("jitter", jitter);
}

template <class Io>
void fields(Io& io, Part<Io, PoolSpec>& part) {
  auto& [name, workers, start_timeout, grace, ready_after, restart, backoff_first, backoff_max,
         give_up_failures, give_up_within, surge, max_draining, max_unavailable, soak, on_failure,
         watchdog, recycle] = part;
  io("name", name);
  io("workers", workers);
  io("start_timeout", start_timeout);
  io("grace", grace);
  io("ready_after", ready_after);
  io("restart", restart, RestartRule::Never);
  io("backoff_first", backoff_first);
  io("backoff_max", backoff_max);
  io("give_up_failures", give_up_failures);
  io("give_up_within", give_up_within);
  io("surge", surge);
  io("max_draining", max_draining);
  io("max_unavailable", max_unavailable);
  io("soak", soak);
  io("on_failure", on_failure, RollFailure::Pause);
  io("watchdog", watchdog);
  io("recycle", recycle);
}

template <class Io>
void fields(Io& io, Part<Io, Limits>& part) {
  auto& [resources, memory] = part;
  io("resources", resources);
  io("memory", memory);
}

template <class Io>
void fields(Io& io, Part<Io, User>& part) {
  auto& [uid, gid, groups, name, home] = part;
  io("uid", uid);
  io("gid", gid);
  io("groups", groups);
  io("name", name);
  io("home", home);
}

template <class Io>
void fields(Io& io, Part<Io, PoolConfig>& part) {
  auto& [spec, command, listen, ready, idle_drain, directory, env, env_file, env_from_file,
         required_env, user, run_as, limits, after, watchdog_signal, app] = part;
  io("spec", spec);
  io("command", command);
  io("listen", listen);
  io("ready", ready);
  io("idle_drain", idle_drain);
  io("directory", directory);
  io("env", env);
  io("env_file", env_file);
  io("env_from_file", env_from_file);
  io("required_env", required_env);
  io("user", user);
  io("run_as", run_as);
  io("limits", limits);
  io("after", after);
  io("watchdog_signal", watchdog_signal);
  io("app", app);
}

template <class Io>
void fields(Io& io, Part<Io, SupervisorConfig>& part) {
  auto& [name, runtime_dir, log_level, log_format, log_to, log_max_size, log_keep, on_fatal] = part;
  io("name", name);
  io("runtime_dir", runtime_dir);
  io("log_level", log_level, LogLevel::Error);
  io("log_format", log_format, LogFormat::Json);
  io("log_to", log_to);
  io("log_max_size", log_max_size);
  io("log_keep", log_keep);
  io("on_fatal", on_fatal, OnFatal::Exit);
}

template <class Io>
void fields(Io& io, Part<Io, ListenerConfig>& part) {
  auto& [name, address, backlog, sockets] = part;
  io("name", name);
  io("address", address);
  io("backlog", backlog);
  io("sockets", sockets, Sockets::PerWorker);
}

template <class Io>
void fields(Io& io, Part<Io, RestartPolicy::Past>& part) {
  auto& [young, late] = part;
  io("young", young);
  io("late", late);
}

template <class Io>
void fields(Io& io, Part<Io, Slot>& part) {
  auto& [index, state, since, why, current, successor, retry_at, start_again, failed_recycles,
         recycle_again_at, policy] = part;
  io("index", index);
  io("state", state, SlotState::Fatal);
  io("since", since);
  io("why", why);
  io("current", current);
  io("successor", successor);
  io("retry_at", retry_at);
  io("start_again", start_again);
  io("failed_recycles", failed_recycles);
  io("recycle_again_at", recycle_again_at);
  io("policy", policy);
}

template <class Io>
void fields(Io& io, Part<Io, Worker>& part) {
  auto& [id, slot, generation, phase, forked_at, phase_since, deadline, ready_at, was_ready,
         drain_kind, killed_for, grace, start_timeout, ready_after, watchdog, recycle,
         recycle_share, alive_at, silent_for, recycle_at, due] = part;
  io("id", id);
  io("slot", slot);
  io("generation", generation);
  io("phase", phase, WorkerPhase::Killed);
  io("forked_at", forked_at);
  io("phase_since", phase_since);
  io("deadline", deadline);
  io("ready_at", ready_at);
  io("was_ready", was_ready);
  io("drain_kind", drain_kind, DrainKind::Prompt);
  io("killed_for", killed_for, KillReason::Hung);
  io("grace", grace);
  io("start_timeout", start_timeout);
  io("ready_after", ready_after);
  io("watchdog", watchdog);
  io("recycle", recycle);
  io("recycle_share", recycle_share);
  io("alive_at", alive_at);
  io("silent_for", silent_for);
  io("recycle_at", recycle_at);
  io("due", due);
}

template <class Io>
void fields(Io& io, Part<Io, PoolState>& part) {
  auto& [spec, slots, workers, generation, last_generation, next_worker, measure_at] = part;
  io("spec", spec);
  io("slots", slots);
  io("workers", workers);
  io("generation", generation);
  io("last_generation", last_generation);
  io("next_worker", next_worker);
  io("measure_at", measure_at);
}

template <class Io>
void fields(Io& io, Part<Io, GrantedRun>& part) {
  auto& [name, due] = part;
  io("name", name);
  io("due", due);
}

template <class Io>
void fields(Io& io, Part<Io, LeaseState>& part) {
  auto& [fence, since, holder, holder_name, wanting, granted, forgotten, why] = part;
  io("fence", fence);
  io("since", since);
  io("holder", holder);
  io("holder_name", holder_name);
  io("wanting", wanting);
  io("granted", granted);
  io("forgotten", forgotten);
  io("why", why);
}

template <class Io>
void fields(Io& io, Part<Io, ipc::ResourceReport>& part) {
  auto& [name, state, phase, required, took, detail] = part;
  io("name", name);
  io("state", state, ipc::ResourceState::Closed);
  io("phase", phase);
  io("required", required);
  io("took", took);
  io("detail", detail);
}

template <class Io>
void fields(Io& io, Part<Io, ipc::ScheduledReport>& part) {
  auto& [name, schedule, one, here, next, last, took, result, running, detail] = part;
  io("name", name);
  io("schedule", schedule);
  io("one", one);
  io("here", here);
  io("next", next);
  io("last", last);
  io("took", took);
  io("result", result, ipc::RunResult::Missed);
  io("running", running);
  io("detail", detail);
}

template <class Io>
void fields(Io& io, Part<Io, KnownResource>& part) {
  auto& [report, since] = part;
  io("report", report);
  io("since", since);
}

template <class Io>
void fields(Io& io, Part<Io, KnownPhase>& part) {
  auto& [name, began, ended] = part;
  io("name", name);
  io("began", began);
  io("ended", ended);
}

template <class Io>
void fields(Io& io, Part<Io, WorkerReports::State>& part) {
  auto& [resources, scheduled, phases] = part;
  io("resources", resources);
  io("scheduled", scheduled);
  io("phases", phases);
}

template <class Io>
void fields(Io& io, Part<Io, SteeredHandover::Socket>& part) {
  auto& [member, fd, enabled] = part;
  io("member", member);
  io("fd", fd);
  io("enabled", enabled);
}

template <class Io>
void fields(Io& io, Part<Io, SteeredHandover>& part) {
  auto& [anchor_fd, address, backlog, sockets, next_member] = part;
  io("anchor_fd", anchor_fd);
  io("address", address);
  io("backlog", backlog);
  io("sockets", sockets);
  io("next_member", next_member);
}

template <class Io>
void fields(Io& io, Part<Io, ListenerHandover>& part) {
  auto& [config, fd, adopted, path_is_ours, bound, steered] = part;
  io("config", config);
  io("fd", fd);
  io("adopted", adopted);
  io("path_is_ours", path_is_ours);
  io("bound", bound);
  io("steered", steered);
}

template <class Io>
void fields(Io& io, Part<Io, WorkerSocketHandover>& part) {
  auto& [listener, member] = part;
  io("listener", listener);
  io("member", member);
}

template <class Io>
void fields(Io& io, Part<Io, LogPipeHandover>& part) {
  auto& [fd, partial, cut] = part;
  io("fd", fd);
  io("partial", partial);
  io("cut", cut);
}

template <class Io>
void fields(Io& io, Part<Io, ProcessHandover>& part) {
  auto& [worker, slot, generation, pid, drained_at, watchdog_at, kill_sent, channel_fd, recorder_fd,
         exec_status_fd, program, directory, exec_error, status_text, steps, reason, state,
         line_lost, reports, last_lines, out, error, worker_sockets, leaves_seat] = part;
  io("worker", worker);
  io("slot", slot);
  io("generation", generation);
  io("pid", pid);
  io("drained_at", drained_at);
  io("watchdog_at", watchdog_at);
  io("kill_sent", kill_sent);
  io("channel_fd", channel_fd);
  io("recorder_fd", recorder_fd);
  io("exec_status_fd", exec_status_fd);
  io("program", program);
  io("directory", directory);
  io("exec_error", exec_error);
  io("status_text", status_text);
  io("steps", steps);
  io("reason", reason);
  io("state", state, ipc::WorkerState::Failed);
  io("line_lost", line_lost);
  io("reports", reports);
  io("last_lines", last_lines);
  io("out", out);
  io("error", error);
  io("worker_sockets", worker_sockets);
  io("leaves_seat", leaves_seat);
}

template <class Io>
void fields(Io& io, Part<Io, DeploymentHandover>& part) {
  auto& [generation, config, listeners] = part;
  io("generation", generation);
  io("config", config);
  io("listeners", listeners);
}

template <class Io>
void fields(Io& io, Part<Io, Death>& part) {
  auto& [exit_code, signal, core_dumped, exec_error, out_of_memory, memory_limit, shortage,
         killed_by_others, meaning] = part;
  io("exit_code", exit_code);
  io("signal", signal);
  io("core_dumped", core_dumped);
  io("exec_error", exec_error);
  io("out_of_memory", out_of_memory);
  io("memory_limit", memory_limit);
  io("shortage", shortage);
  io("killed_by_others", killed_by_others);
  io("meaning", meaning);
}

template <class Io>
void fields(Io& io, Part<Io, DeathHandover>& part) {
  auto& [slot, summary, details] = part;
  io("slot", slot);
  io("summary", summary);
  io("details", details);
}

template <class Io>
void fields(Io& io, Part<Io, KeptSeatsHandover>& part) {
  auto& [slot, worker_sockets] = part;
  io("slot", slot);
  io("worker_sockets", worker_sockets);
}

template <class Io>
void fields(Io& io, Part<Io, PoolHandover>& part) {
  auto& [removed, state, lease, deployments, previous, adoption, processes, tails, kept_seats,
         deaths, last_deaths, held_for] = part;
  io("removed", removed);
  io("state", state);
  io("lease", lease);
  io("deployments", deployments);
  io("previous", previous);
  io("adoption", adoption);
  io("processes", processes);
  io("tails", tails);
  io("kept_seats", kept_seats);
  io("deaths", deaths);
  io("last_deaths", last_deaths);
  io("held_for", held_for);
}

template <class Io>
void fields(Io& io, Part<Io, SessionHandover>& part) {
  auto& [fd, pid, unread, unsent, input_ended, follows, wants_verdict] = part;
  io("fd", fd);
  io("pid", pid);
  io("unread", unread);
  io("unsent", unsent);
  io("input_ended", input_ended);
  io("follows", follows);
  io("wants_verdict", wants_verdict);
}

template <class Io>
void fields(Io& io, Part<Io, NamedFdHandover>& part) {
  auto& [name, fd] = part;
  io("name", name);
  io("fd", fd);
}

template <class Io>
void fields(Io& io, Part<Io, LimitHandover>& part) {
  auto& [soft, hard] = part;
  io("soft", soft);
  io("hard", hard);
}

template <class Io>
void fields(Io& io, Part<Io, Handover>& part) {
  auto& [version, binary, config_path, supervisor, nofile, started_at, said_ready, lock_fd,
         notify_fd, control_fd, adopted, listeners, pools, sessions, kept_listeners, log_tail,
         unwritten_log] = part;
  io("version", version);
  io("binary", binary);
  io("config_path", config_path);
  io("supervisor", supervisor);
  io("nofile", nofile);
  io("started_at", started_at);
  io("said_ready", said_ready);
  io("lock_fd", lock_fd);
  io("notify_fd", notify_fd);
  io("control_fd", control_fd);
  io("adopted", adopted);
  io("listeners", listeners);
  io("pools", pools);
  io("sessions", sessions);
  io("kept_listeners", kept_listeners);
  io("log_tail", log_tail);
  io("unwritten_log", unwritten_log);
}

}  // namespace reeve::supervisor
