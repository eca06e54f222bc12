#include "supervisor/shell/supervision.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

#include "supervisor/shell/master.hpp"

namespace reeve::supervisor {

Supervision::Supervision(ipc::uv::Loop& loop, Log& log, const Config& config, Given given)
    : loop_(loop),
      log_(log),
      upstream_(loop),
      launcher_(loop, std::move(given.workers)),
      settle_timer_(loop, [this] { settle(); }),
      herd_(loop, log, launcher_, book_,
            {.on_change = [this] { settle_timer_.arm(Duration::zero()); },
             .read_pending = [this] { notify_->receive_pending(); }}),
      reload_(log, herd_, book_, config.supervisor, std::move(given.adopted),
              std::move(given.config_path)),
      shutdown_(loop, log, herd_, book_,
                [this](int exit_code) {
                  exit_code_ = exit_code;
                  loop_.stop();
                }),
      commands_(
          loop, log, herd_, book_,
          {.reply = [this](SessionId session,
                           const ipc::control::Reply& reply) { control_->reply(session, reply); },
           .reload = [this](auto on_verdicts) { reload(std::move(on_verdicts)); },
           .shutdown =
               [this](auto on_verdicts) {
                 upstream_.stopping();
                 shutdown_.request("shutdown", std::move(on_verdicts));
                 settle_timer_.arm(Duration::zero());
               },
           .shutting_down = [this] { return shutdown_.running(); }}),
      reaper_([this](pid_t pid) { herd_.conclude(pid); },
              [this](pid_t pid, const Death& death) { herd_.exited(pid, death); }),
      signals_(loop, [this](int signal) { on_signal(signal); }),
      check_(loop, [this] { on_turn_end(); }) {}

ipc::Result<> Supervision::open(const Config& config, const RuntimeDir& runtime_dir,
                                const ListenerSet& listeners) {
  auto notify =
      NotifyServer::open(loop_, runtime_dir.notify_socket(),
                         [this](const ipc::Notification& message) { herd_.take(message); });
  if (!notify) return std::unexpected(notify.error());
  notify_ = std::move(*notify);

  auto control =
      ControlServer::open(loop_, runtime_dir.control_socket(),
                          {.on_request =
                               [this](SessionId session, const ipc::control::Request& request) {
                                 commands_.take(session, request);
                               },
                           .on_gone = [this](SessionId session) { commands_.gone(session); }});
  if (!control) return std::unexpected(control.error());
  control_ = std::move(*control);

  for (const PoolConfig& pool : config.pools) herd_.add(Deployment::of(pool, listeners));
  return {};
}

int Supervision::run() {
  started_at_ = loop_.now();
  start_pools();
  loop_.run();
  return exit_code_;
}

void Supervision::start_pools() {
  // The log tells how each slot fares; nobody waits for the verdict.
  for (const auto& pool : herd_.pools()) pool->start(book_.open(1, [](const Verdicts&) {}), {});
  settle_timer_.arm(Duration::zero());
}

void Supervision::on_signal(int signal) {
  const auto name = [signal] { return fmt::format("SIG{}", ::sigabbrev_np(signal)); };
  switch (signal) {
    case SIGCHLD:
      reaper_.child_changed();
      return;
    case SIGTERM:
    case SIGINT:
      upstream_.stopping();
      shutdown_.request(name());
      break;
    case SIGQUIT:
      upstream_.stopping();
      shutdown_.request_now(name());
      break;
    case SIGHUP:
      if (!shutdown_.running()) reload([](const Verdicts&) {});
      break;
    case SIGTTIN:
      scale_first_pool(+1);
      break;
    case SIGTTOU:
      scale_first_pool(-1);
      break;
    case SIGUSR1:
      log_.info("SIGUSR1: the log goes to stderr, there is no file to reopen");
      break;
    case SIGUSR2:
      log_.warn(
          "SIGUSR2: replacing the master in place is not supported by this version, ignoring");
      break;
  }
  settle_timer_.arm(Duration::zero());
}

void Supervision::scale_first_pool(int by) {
  if (shutdown_.running() || herd_.pools().empty()) return;
  PoolRunner& pool = *herd_.pools().front();
  const int workers = std::max(1, pool.pool().spec().workers + by);
  log_.info("scaling {} to {} workers", pool.name(), workers);
  pool.scale(book_.open(1, log_failures()), workers);
}

void Supervision::reload(CommandBook::OnVerdicts on_verdicts) {
  upstream_.reloading();
  reload_.run([this, on_verdicts = std::move(on_verdicts)](Verdicts verdicts) {
    if (said_ready_)
      upstream_.ready();  // It ends RELOADING=1, and must not come before the first one.
    on_verdicts(std::move(verdicts));
  });
}

/// Reads first: what a worker said before it died is older than its death.
void Supervision::on_turn_end() {
  reaper_.reap_if_pending([this] { notify_->receive_pending(); });
}

/// After something has changed, and outside of every callback that changed it.
void Supervision::settle() {
  herd_.sweep();
  upstream_.status(herd_.summary());
  if (!said_ready_ && !shutdown_.running() && herd_.all_running()) say_ready();
  shutdown_.check();
}

void Supervision::say_ready() {
  said_ready_ = true;
  log_.info("ready after {}: {}", short_duration(loop_.now() - started_at_), herd_.summary());
  upstream_.ready();
}

CommandBook::OnVerdicts Supervision::log_failures() {
  return [this](const Verdicts& verdicts) {
    for (const auto& verdict : verdicts) {
      if (!verdict.ok) log_.error("{}", one_line(verdict));
    }
  };
}

}  // namespace reeve::supervisor
