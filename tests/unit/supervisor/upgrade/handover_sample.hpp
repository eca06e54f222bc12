#pragma once
// A handover in which every field says something: two workers of which one drains, a steered
// listener with a worker socket for each, clients of each kind.

#include <chrono>
#include <utility>

#include "supervisor/upgrade/handover.hpp"

namespace reeve::supervisor {

[[nodiscard]] inline Worker worker_of(std::uint64_t id, int slot, WorkerPhase phase) {
  using namespace std::chrono_literals;
  Worker worker{.id = WorkerId{id}, .slot = slot, .generation = Generation{2}, .phase = phase};
  worker.forked_at = TimePoint(1234567890123ns);
  worker.phase_since = TimePoint(2s);
  worker.was_ready = true;
  worker.grace = 7s;
  worker.start_timeout = 8s;
  worker.ready_after = 9s;
  return worker;
}

[[nodiscard]] inline PoolState pool_state() {
  using namespace std::chrono_literals;
  PoolState state{
      .spec = {.name = "web",
               .workers = 2,
               .ready_after = 1s,
               .give_up_failures = 4,
               .max_draining = 3,
               .watchdog = 5s},
      .slots = {},
      .workers = {worker_of(4, 0, WorkerPhase::Serving), worker_of(5, 1, WorkerPhase::Draining)},
      .generation = Generation{2},
      .last_generation = Generation{3},
      .proven = Generation{2},
      .next_worker = 6,
      .measure_at = TimePoint(12s)};
  state.spec.reloads = true;
  state.spec.recycle = {.requests = 100, .memory_bytes = 1 << 30, .age = 24h, .jitter = 0.25};
  Worker& drains = state.workers[1];
  drains.deadline = TimePoint(99s);
  drains.ready_at = TimePoint(98s);
  drains.drain_kind = DrainKind::Patient;
  drains.killed_for = KillReason::GraceExpired;
  drains.leader_death = Death{.signal = 15};
  drains.watchdog = 15s;
  drains.recycle = state.spec.recycle;
  drains.recycle_share = 0.9;
  drains.alive_at = TimePoint(97s);
  drains.silent_for = 3s;
  drains.recycle_at = TimePoint(500s);
  drains.due = "it is 24 h old";
  drains.hung_because = "no 200";
  state.slots.push_back({.index = 0, .state = SlotState::Running, .why = "ready after 3 ms"});
  state.slots[0].current = WorkerId{4};
  state.slots.push_back({.index = 1, .state = SlotState::Backoff, .why = "exited with code 3"});
  state.slots[0].successor = WorkerId{4};
  state.slots[1].retry_at = TimePoint(77s);
  state.slots[1].asked_at = TimePoint(70s);
  state.slots[1].finished = true;
  state.slots[1].failed_recycles = 1;
  state.slots[1].recycle_again_at = TimePoint(78s);
  state.slots[1].policy =
      RestartPolicy({.young = {TimePoint(3s)}, .late = {TimePoint(1s)}, .in_a_row = 2});
  return state;
}

[[nodiscard]] inline PoolConfig pool_config() {
  PoolConfig config;
  config.spec = pool_state().spec;
  config.command = {"/bin/web", "--fd", "${fd:http}"};
  config.listen = {"http"};
  config.ready = ReadyLog{"start.* complete"};
  config.env = {{"LANG", "\xff not UTF-8 \xc3\xa4"}};
  config.env_from_file = {{"KEY", "value"}};
  config.required_env = {"KEY"};
  config.directory = "/srv/web";
  config.env_file = "/etc/web.env";
  config.user = "web:www";
  config.run_as = User{.uid = 33, .gid = 34, .groups = {34, 5}, .name = "web", .home = "/srv"};
  config.app = "threads = 4\n";
  config.limits = {.resources = {{"nofile", 65536}}, .memory = 1 << 20};
  config.after = {"db"};
  config.stop = {.signal = 3, .to = StopRule::To::Group};
  config.reload_signal = 1;
  config.port = 9000;
  config.autostart = false;
  config.umask = 027;
  config.nice = 5;
  config.health = HealthRule{.probe = {.kind = Probe::Kind::Http,
                                       .path = "/healthz",
                                       .host = "::1",
                                       .port = 9001,
                                       .status = {200, 204},
                                       .command = {"check"},
                                       .timeout = std::chrono::seconds(1)},
                             .interval = std::chrono::seconds(2),
                             .failures = 4};
  return config;
}

[[nodiscard]] inline LeaseState lease_state() {
  using namespace std::chrono_literals;
  return {.fence = 1'700'000'000'000'001,
          .since = WallTime(1'700'000'000'000ms),
          .holder = WorkerId{4},
          .holder_name = "web:0",
          .wanting = {WorkerId{5}},
          .granted = {{.name = "cleanup", .due = WallTime(1'700'000'300'000ms)}},
          .forgotten = WallTime(1'700'000'200'000ms),
          .why = "web:1 has ended"};
}

[[nodiscard]] inline WorkerReports::State reports() {
  using namespace std::chrono_literals;
  using ipc::RunResult, ipc::ResourceState;
  return {.resources = {{.report = {.name = "db",
                                    .state = ResourceState::Down,
                                    .phase = "connections",
                                    .required = false,
                                    .took = 1500us,
                                    .detail = "refused"},
                         .since = TimePoint(7s)}},
          .scheduled = {{.name = "cleanup",
                         .schedule = "every 5 min",
                         .scope = ipc::ScheduleScope::One,
                         .here = true,
                         .next = WallTime(1'700'000'600'000ms),
                         .last = WallTime(1'700'000'300'000ms),
                         .took = 20ms,
                         .result = RunResult::Failed,
                         .running = 1,
                         .detail = "no disk"}},
          .phases = {{.name = "[1/5] environment", .began = TimePoint(5s), .ended = TimePoint(6s)},
                     {.name = "[2/5] connections", .began = TimePoint(6s), .ended = {}}}};
}

[[nodiscard]] inline Process::State process_of(std::uint64_t worker, int slot, int first_fd) {
  Process::State process{
      .identity = {.worker = WorkerId{worker}, .slot = slot, .generation = Generation{2}}};
  process.pid = 1000 + slot;
  process.cgroup = "/sys/fs/cgroup/reeve/web.0.4";
  process.channel_fd = first_fd;
  process.recorder_fd = first_fd + 1;
  process.exec_status_fd = first_fd + 2;
  process.out = {.fd = first_fd + 3, .line = {.partial = "half a li", .limit = 4096}};
  process.error = {.fd = first_fd + 4, .line = {.partial = "\x80\x81", .cut = true, .limit = 8192}};
  process.watchdog_at = TimePoint(std::chrono::seconds(4));
  process.program = "/bin/web";
  process.directory = "/srv/web";
  process.stop = {.signal = 3, .to = StopRule::To::Group};
  process.exec_error = "exec /bin/web: no";
  process.exec_code = 2;
  process.has_notified = true;
  process.status_text = "busy";
  process.steps = {"[2/5] connections"};
  process.reason = "a client is away";
  process.cost = "1 request cancelled";
  process.drained_at = TimePoint(std::chrono::seconds(5));
  process.state = ipc::WorkerState::Running;
  process.last_lines = {"one", "two"};
  process.worker_sockets = {{.listener = 0, .member = SteeredAddress::Member{worker}}};
  return process;
}

[[nodiscard]] inline Handover handover_sample() {
  Handover handover;
  handover.version = "0.1.0";
  handover.binary = "/usr/bin/reeve";
  handover.config_path = "reeve.toml";
  handover.supervisor.runtime_dir = "/run/reeve";
  handover.supervisor.log_to = "/var/log/reeve.log";
  handover.supervisor.stop_delay = std::chrono::seconds(15);
  handover.nofile = LimitHandover{.soft = 1024, .hard = 4096};
  handover.started_at = TimePoint(std::chrono::milliseconds(12));
  handover.said_ready = true;
  handover.lock_fd = 10;
  handover.notify_fd = 11;
  handover.control_fd = 12;
  handover.adopted = {{.name = "spare", .fd = 13}};
  Listener::State listener;
  listener.config = {.name = "http",
                     .address = {.kind = ipc::Address::Kind::Unix, .host = {}, .path = "/http"},
                     .sockets = Sockets::PerWorker,
                     .mode = 0660,
                     .owner = "web",
                     .group = "www",
                     .uid = 33,
                     .gid = 34};
  listener.file = ipc::FileId{.device = 2, .inode = 3};
  listener.bound = ipc::Address{.host = "127.0.0.1", .port = 8000};
  listener.steered = SteeredAddress::State{.anchor_fd = 14, .backlog = 128, .next_member = 6};
  listener.steered->sockets = {{.member = SteeredAddress::Member{5}, .fd = 15},
                               {.member = SteeredAddress::Member{4}, .fd = 16, .enabled = true},
                               {.member = SteeredAddress::Member{3}, .fd = 17}};
  handover.listeners = {listener};
  PoolRunner::State pool{.removed = false, .state = pool_state(), .lease = lease_state()};
  pool.deployments = {{.generation = Generation{2}, .config = pool_config(), .listeners = {0}}};
  pool.kept_seats = {
      {.slot = 1, .worker_sockets = {{.listener = 0, .member = SteeredAddress::Member{3}}}}};
  pool.last_deaths = {{0, Death{.signal = 9, .memory_limit = 1 << 20}},
                      {1, Death{.exit_code = 3,
                                .exec_error = "exec",
                                .permanent = true,
                                .meaning = "misused",
                                .cost = "a job"}}};
  pool.unasked_deaths = {{0,
                          {.restarts = 2,
                           .at = TimePoint(std::chrono::seconds(6)),
                           .cause = "killed by SIGSEGV",
                           .last_line = "oh"}}};
  pool.held_for = "waits for db";
  pool.deaths = {
      {.slot = 1, .summary = {"web:1 died"}, .main = {"GET /slow"}, .details = {"in main()"}}};
  pool.previous = pool.deployments.front();
  pool.adoption = pool.deployments.front();
  pool.processes = {process_of(4, 0, 20), process_of(5, 1, 30)};
  pool.processes[1].group = std::exchange(pool.processes[1].pid, 0);  // Its leader was reaped.
  pool.processes[0].reports = WorkerReports(reports());
  pool.tails = {{0, "a line\n"}, {1, "another\n"}};
  handover.pools = {pool};
  handover.sessions = {{.fd = 40, .pid = 812, .unread = "{\"meth", .unsent = {'{', '}', '\0'}},
                       {.fd = 41, .follows = "{}", .wants_verdict = true, .left_out = 3}};
  handover.kept_listeners = {0};
  handover.log_tail = "ready\n";
  handover.unwritten_log = "a late line\n";
  return handover;
}

}  // namespace reeve::supervisor
