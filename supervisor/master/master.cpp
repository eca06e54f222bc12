#include "supervisor/master/master.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <utility>

#include "ipc/base/counted.hpp"
#include "ipc/version.hpp"
#include "supervisor/config/probe.hpp"
#include "supervisor/system/exit_code.hpp"
#include "supervisor/system/socket_access.hpp"

namespace reeve::supervisor {
namespace {

/// Less than the margin by which systemd is asked to wait longer than the workers may take.
constexpr Duration kAskEvery = std::chrono::seconds(2);

/// A process that was killed for lack of memory is reaped well within this time, so that an older
/// kill was of another one. A file that somebody has removed is missed for no longer.
constexpr Duration kTendEvery = std::chrono::seconds(5);

}  // namespace

Master::Master(ipc::uv::Loop& loop, Log& log, const SupervisorConfig& config,
               Dependencies dependencies)
    : loop_(loop),
      log_(log),
      service_manager_(loop),
      cgroups_(dependencies.workers.cgroups),
      launcher_(loop, std::move(dependencies.workers)),
      settle_timer_(loop, std::bind_front(&Master::settle, this)),
      ask_timer_(loop, std::bind_front(&Master::ask_for_time, this)),
      tend_timer_(loop, std::bind_front(&Master::tend, this)),
      pools_(loop, log, launcher_, pending_, pools_callbacks()),
      helper_(loop, helper_callbacks()),
      asking_helper_(loop, helper_callbacks()),
      probe_commands_(loop, launcher_),
      file_(std::move(dependencies.config_path), config, std::move(dependencies.adopted),
            [this](const std::string& user, auto on_found) {
              find_user(helper_, user, std::move(on_found));
            }),
      deployer_(loop, pools_, pending_, file_, std::bind_front(&Master::wake, this)),
      start_order_(log, pools_, pending_),
      ordered_(pools_, pending_, start_order_),
      reload_(log, pools_, pending_, file_, deployer_, start_order_, reload_callbacks()),
      rehearsals_(loop, pools_, pending_, file_, config.runtime_dir),
      events_(std::bind_front(&Master::reply, this)),
      shutdown_(loop, log, pools_, pending_,
                {.delay = [this] { return file_.in_force().stop_delay; },
                 .on_end = std::bind_front(&Master::end, this)}),
      commands_(loop, log,
                {.pools = pools_,
                 .pending = pending_,
                 .ordered = ordered_,
                 .deployer = deployer_,
                 .reload = reload_,
                 .rehearsals = rehearsals_,
                 .events = events_},
                command_callbacks()),
      upgrade_(loop, log, std::move(dependencies.own_binary), upgrade_callbacks()),
      reaper_(std::bind_front(&Master::on_zombie, this), std::bind_front(&Master::on_exit, this)),
      out_of_memory_(std::move(dependencies.oom_counter)),
      signals_(loop, kHandledSignals, std::bind_front(&Master::on_signal, this)),
      check_(loop, std::bind_front(&Master::on_turn_end, this)),
      runtime_dir_(dependencies.runtime_dir),
      config_lock_(dependencies.config_lock),
      output_(dependencies.output) {}

Pools::Callbacks Master::pools_callbacks() {
  return {.on_change = std::bind_front(&Master::wake, this),
          .read_pending = [this] { notify_->receive_pending(); },
          .on_event =
              [this](std::string_view kind, const PoolRunner& pool, std::optional<int> slot,
                     const std::string& text) {
                events_.publish(kind, slot ? pool.pool().name_of(*slot) : pool.name(), text,
                                pool.name(), slot);
              },
          .on_forgotten = [this](const PoolRunner& pool) { commands_.forgotten(pool); },
          .ask = std::bind_front(&Master::ask, this)};
}

Helper::Callbacks Master::helper_callbacks() const {
  return {.start = start_helper,
          .warn = [this](const std::string& text) { log_.warn("{}", text); }};
}

void Master::ask(const ProbeQuestion& question, OnProbeAnswer on_answer) {
  const Probe& probe = question.probe;
  if (probe.kind == Probe::Kind::Command) {
    return probe_commands_.run(question, std::move(on_answer));
  }
  const bool is_http = probe.kind == Probe::Kind::Http;
  const int port = port_of(probe, question.pool, question.who.slot);
  ask_from_outside(asking_helper_,
                   {.path = is_http ? probe.path : "",
                    .host = probe.host,
                    .port = static_cast<std::uint16_t>(port),
                    .timeout = probe.timeout},
                   is_http ? probe.status : std::vector{0}, std::move(on_answer));
}

Reload::Callbacks Master::reload_callbacks() {
  return {.on_begin = std::bind_front(&Master::reload_begins, this),
          .on_end = std::bind_front(&Master::serves_again, this),
          .wake = std::bind_front(&Master::wake, this)};
}

Commands::Callbacks Master::command_callbacks() {
  return {.reply = std::bind_front(&Master::reply, this),
          .peer = [this](SessionId session) { return control_->peer(session); },
          .reload =
              [this](const Requester& requester, PendingCommands::OnVerdicts on_verdicts) {
                reload_.request(requester, std::move(on_verdicts));
              },
          .shutdown = std::bind_front(&Master::shut_down_for, this),
          .upgrade = [this](SessionId session) { upgrade_.request(session); },
          .shutting_down = [this] { return shutdown_.running(); }};
}

Upgrade::Callbacks Master::upgrade_callbacks() {
  return {.hand_over = std::bind_front(&Master::hand_over, this),
          .answer = [this](SessionId session,
                           const Verdicts& verdicts) { commands_.answer(session, verdicts); },
          .leaving = std::bind_front(&Master::exec_comes, this),
          .staying = std::bind_front(&Master::serves_again, this)};
}

ControlServer::Callbacks Master::control_callbacks() {
  return {.on_request =
              [this](SessionId session, const ipc::control::Request& request) {
                commands_.on_request(session, request);
              },
          .on_gone = [this](SessionId session) { commands_.gone(session); }};
}

/// Has settle() called soon, outside of every callback.
void Master::wake() { settle_timer_.arm(Duration::zero()); }

void Master::reply(SessionId session, const ipc::control::Reply& reply) {
  control_->reply(session, reply);
}

void Master::reload_begins() {
  service_manager_.reloading();
  events_.publish("reload", "", "the configuration is reread");
}

void Master::exec_comes() {
  helper_.kill_process();
  asking_helper_.kill_process();
  probe_commands_.kill_all();
  if (said_ready_) service_manager_.reloading();
}

/// READY=1 ends RELOADING=1, and must not come before the first one.
void Master::serves_again() {
  if (said_ready_) service_manager_.ready();
}

void Master::shut_down_for(PendingCommands::OnVerdicts on_verdicts) {
  service_manager_.stopping();
  shutdown_.request("shutdown", std::move(on_verdicts));
  wake();
}

void Master::end(int exit_code) {
  exit_code_ = exit_code;
  control_->end_streams();
  loop_.stop();
}

ipc::Result<> Master::open(const Config& config, const ListenerSet& listeners) {
  auto notify =
      NotifyServer::open(loop_, runtime_dir_.notify_socket(),
                         [this](const ipc::Notification& message) { pools_.on_message(message); });
  if (!notify) return std::unexpected(notify.error());
  notify_ = std::move(*notify);

  auto control = ControlServer::open(loop_, runtime_dir_.control_socket(), control_callbacks());
  if (!control) return std::unexpected(control.error());
  control_ = std::move(*control);

  ::uv_update_time(loop_.get());  // The pools begin now, not when the loop was made.
  file_.keep_adopted(listeners);
  for (const PoolConfig& pool : config.pools) pools_.add(Deployment::of(pool, listeners));
  return {};
}

int Master::run() {
  // What came before may have waited for long: for workers of a dead master.
  ::uv_update_time(loop_.get());
  if (!adopted_) {
    started_at_ = loop_.now();
    for (const auto& pool : pools_.all()) start_order_.start(*pool, pools_.unattended_command());
    wake();
  }
  tend_timer_.arm(kTendEvery);
  loop_.run();
  return exit_code_;
}

void Master::on_signal(int signal) {
  const auto name = [signal] { return fmt::format("SIG{}", ::sigabbrev_np(signal)); };
  switch (signal) {
    case SIGCHLD:
      reaper_.child_changed();
      return;
    case SIGTERM:
    case SIGINT:
      service_manager_.stopping();
      shutdown_.request(name());
      break;
    case SIGQUIT:
      service_manager_.stopping();
      shutdown_.request_now(name());
      break;
    case SIGHUP:
      if (shutdown_.running()) break;
      if (terminal_.lost()) {  // Nobody is there who could have asked for a reload.
        service_manager_.stopping();
        shutdown_.request("SIGHUP, and the terminal is gone");
      } else {
        events_.publish("command", "SIGHUP", "");
        reload_.request({.what = "reload", .who = "SIGHUP", .session = {}}, {});
      }
      break;
    case SIGTTIN:
      scale_first_pool(+1);
      break;
    case SIGTTOU:
      scale_first_pool(-1);
      break;
    case SIGUSR1:
      log_.reopen();
      break;
    case SIGUSR2:
      upgrade_.request(std::nullopt);
      break;
  }
  wake();
}

void Master::scale_first_pool(int by) {
  if (shutdown_.running() || pools_.all().empty()) return;
  PoolRunner& pool = *pools_.all().front();
  const int workers = std::max(1, pool.pool().spec().workers + by);
  if (const auto why = pools_.refuse_ports(pool, workers); !why.empty()) {
    log_.warn("{}", why);
    return;
  }
  log_.info("scaling {} to {} workers", pool.name(), workers);
  pool.scale(pools_.unattended_command(), workers);
}

/// Reads first: what a worker said before it died is older than its death.
void Master::on_turn_end() {
  reaper_.reap_if_pending([this] { notify_->receive_pending(); });
  if (reaper_.pending()) {
    settle_timer_.arm(Duration::zero());
  } else {
    out_of_memory_.settle();
  }
}

void Master::tend() {
  out_of_memory_.age();
  if (cgroups_ != nullptr) cgroups_->age_kills();
  look_after_files();
  tend_timer_.arm(kTendEvery);
}

/// Cleaners of /tmp may take its files along, under a master that lives on.
void Master::look_after_files() {
  for (const SharedListener& listener : pools_.listeners()) {
    const std::string file = listener->address();
    if (!listener->path_is_gone()) {
      missing_.erase(file);
      continue;
    }
    miss(file, fmt::format("listen.{}: {} was removed, so that nobody finds it; `reevectl reload`, "
                           "or HUP, makes it anew",
                           listener->name(), file));
  }
  // An editor has put another file in its place, perhaps.
  [[maybe_unused]] const auto another = config_lock_.take();
  const std::string& directory = runtime_dir_.path();
  if (runtime_dir_.in_place() && notify_->in_place() && control_->in_place()) {
    missing_.erase(directory);
  } else if (const auto restored = restore_files()) {
    missing_.erase(directory);
    log_.warn("{}: files of this master were removed there, and are made anew", directory);
  } else {
    miss(directory,
         fmt::format("{}: files of this master were removed there, so that reevectl and workers "
                     "that say READY=1 do not find it, and cannot be made anew: {}; under systemd "
                     "set RuntimeDirectory=, else add a line to tmpfiles.d, as in \"d {} 0750\", "
                     "and restart it",
                     directory, restored.error(), directory));
  }
}

std::expected<void, std::string> Master::restore_files() {
  if (auto held = runtime_dir_.restore(); !held) return std::unexpected(held.error().text);
  if (!notify_->in_place()) {
    notify_->receive_pending();
    auto notify = NotifyServer::open(loop_, notify_->path(), notify_->on_message());
    if (!notify) return std::unexpected(notify.error().text);
    notify_ = std::move(*notify);
    for (const auto& pool : pools_.all()) {
      const auto& user = pool->intended().config.run_as;
      if (user) [[maybe_unused]]
        const Access access = make_reachable(*user, notify_->path());
    }
  }
  if (control_->in_place()) return {};
  if (auto control = control_->restore(); !control) return std::unexpected(control.error().text);
  return {};
}

/// Says it once.
void Master::miss(const std::string& file, const std::string& text) {
  if (missing_.insert(file).second) log_.warn("{}", text);
}

void Master::on_zombie(pid_t pid) {
  pools_.conclude(pid);
  upgrade_.conclude(pid);
  probe_commands_.conclude(pid);
}

void Master::on_exit(pid_t pid, Death death) {
  death.out_of_memory = death.signal == SIGKILL && out_of_memory_.has_killed().value_or(false);
  pools_.exited(pid, death);
  upgrade_.exited(pid, death);
  helper_.exited(pid, death);
  asking_helper_.exited(pid, death);
  probe_commands_.exited(pid, death);
  if (cgroups_ != nullptr) cgroups_->sweep();
}

/// After something has changed, and outside of every callback that changed it.
void Master::settle() {
  pools_.sweep();
  service_manager_.status((shutdown_.delayed_for() ? "stops after its stop_delay; " : "") +
                          pools_.summary());
  if (shutdown_.running()) {
    file_.close("the master is shutting down");
    deployer_.queue().dismiss_all("the master is shutting down");
    reload_.dismiss("the master is shutting down");
  } else {
    start_order_.check();
    deployer_.queue().advance();
    reload_.advance();
    check_fatal();
    if (!said_ready_ && !shutdown_.running()) check_started();
  }
  ordered_.check(shutdown_.running());
  ask_for_time();
  shutdown_.check();
}

/// One slot that gave up is enough: with `on_fatal = "exit"` something else starts the master anew.
void Master::check_fatal() {
  if (file_.in_force().on_fatal != OnFatal::Exit) return;
  for (const auto& pool : pools_.all()) {
    for (const Slot& slot : pool->pool().slots()) {
      if (slot.state != SlotState::Fatal) continue;
      log_.error("{} is FATAL, and on_fatal = \"exit\": {}", pool->pool().name_of(slot.index),
                 slot.why);
      service_manager_.stopping();
      shutdown_.exit_with(exit_code::kFatal);
      shutdown_.request("on_fatal");
      return;
    }
  }
}

/// So that systemd does not kill a master whose workers are within their own start_timeout or
/// grace. Looks again from time to time, since a worker may ask for more without any change of its
/// slot.
void Master::ask_for_time() {
  const bool in_transition = !said_ready_ || shutdown_.running();
  if (!in_transition || !service_manager_.someone_listens()) {
    ask_timer_.disarm();
    return;
  }
  const TimePoint now = loop_.now();
  if (shutdown_.running() && !asked_for_stop_) {
    asked_for_stop_ = true;
    const Duration delay = shutdown_.delayed_for().value_or(Duration::zero());
    service_manager_.wait_until(now + delay + pools_.longest_grace(), now);
  }
  if (const auto end = pools_.latest_deadline()) service_manager_.wait_until(*end, now);
  ask_timer_.arm(kAskEvery);
}

/// READY=1 once every slot has had its chance: a neighbour that is away must not keep systemd from
/// starting the rest of the machine.
void Master::check_started() {
  const auto end = pools_.start_ends_at();
  if (!end) return;
  if (*end > loop_.now()) {
    settle_timer_.arm(*end - loop_.now());
    return;
  }
  said_ready_ = true;
  std::string not_up;
  for (const auto& pool : pools_.all()) not_up += pool->not_up();
  log_.write(not_up.empty() ? LogLevel::Info : LogLevel::Warn,
             fmt::format("ready after {}: {}{}", short_duration(loop_.now() - started_at_),
                         pools_.summary(), not_up));
  service_manager_.ready();
}

ipc::Result<Handover> Master::hand_over(const std::vector<SessionId>& askers) const {
  if (shutdown_.running()) return ipc::failure("the master is shutting down");
  std::string busy = pools_.at_work();
  if (busy.empty() && ordered_.waiting()) busy = "a command for several pools is running";
  if (busy.empty() && reload_.busy()) busy = "a reload is running";
  if (busy.empty() && control_->is_asked(askers)) busy = "another client waits for its verdict";
  if (!busy.empty()) return ipc::failure(fmt::format("{}; try again when it is done", busy));

  Handover handover;
  handover.version = ipc::kVersion;
  handover.binary = upgrade_.binary();
  handover.config_path = file_.path();
  handover.supervisor = file_.in_force();
  if (const auto& nofile = launcher_.dependencies().nofile) {
    handover.nofile = LimitHandover{.soft = nofile->rlim_cur, .hard = nofile->rlim_max};
  }
  handover.started_at = started_at_;
  handover.said_ready = said_ready_;
  handover.lock_fd = runtime_dir_.lock_fd();
  handover.notify_fd = notify_->fd();
  handover.control_fd = control_->fd();
  for (const ipc::NamedFd& spare : file_.spare()) {
    handover.adopted.push_back({.name = spare.name, .fd = spare.fd.get()});
  }
  HandedListeners listeners;
  handover.pools = pools_.state(listeners);
  for (const SharedListener& kept : file_.kept()) {
    handover.kept_listeners.push_back(listeners.place_of(*kept));
  }
  handover.listeners = listeners.states();
  handover.sessions = control_->sessions(askers);
  handover.log_tail = log_.tail().last(TailBuffer::kMaxBytes);
  handover.unwritten_log = output_.unwritten();
  return handover;
}

void Master::adopt(const Handover& handover) {
  adopted_ = true;
  started_at_ = handover.started_at;
  said_ready_ = handover.said_ready;
  notify_ = NotifyServer::adopt(
      loop_,
      ipc::NotifySocket::adopt(ipc::UniqueFd(handover.notify_fd), runtime_dir_.notify_socket()),
      [this](const ipc::Notification& message) { pools_.on_message(message); });
  control_ = std::make_unique<ControlServer>(loop_, ipc::UniqueFd(handover.control_fd),
                                             runtime_dir_.control_socket(), control_callbacks());
  const ListenerSet listeners = adopt_listeners(handover.listeners);
  ListenerSet kept;
  for (const std::size_t place : handover.kept_listeners) kept.push_back(listeners[place]);
  file_.keep_adopted(kept);
  pools_.adopt(handover.pools, listeners);
  log_.tail().restore(handover.log_tail);
  upgraded(handover, control_->adopt(handover.sessions));
  if (said_ready_) service_manager_.ready();  // It ends RELOADING=1.
  reaper_.child_changed();                    // One that died during the exec is a zombie now.
  settle_timer_.arm(Duration::zero());
}

void Master::upgraded(const Handover& from, const std::vector<SessionId>& askers) {
  const std::string text =
      fmt::format("from {} to {}, pid {}, {} kept", from.version, ipc::kVersion, ::getpid(),
                  ipc::counted(pools_.workers(), "worker"));
  log_.info("upgraded {}", text);
  for (const SessionId asker : askers) {
    commands_.answer(asker, {success("", "upgraded", text)});
  }
}

}  // namespace reeve::supervisor
