#include "worker/process/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <csignal>
#include <optional>
#include <span>
#include <utility>
#include <variant>

#include "ipc/listener.hpp"
#include "ipc/recorder/reader.hpp"
#include "ipc/recorder/writer.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {
namespace {

using namespace std::chrono_literals;

constexpr int kBacklog = 4096;

/// A drain that lasts names so much of what it waits for, and its cost as much that is not closed.
constexpr std::size_t kNamedInADrain = 8;

/// Without a master nobody escalates and nobody looks on, so an orphan is quick about its end.
constexpr ipc::Duration kOrphanGrace = 1500ms;

/// How much of the grace belongs to closing resources, whatever the requests do.
constexpr ipc::Duration kMostReserve = 5s;
constexpr int kReserveShare = 5;
/// How much of the reserve stays unused: a teardown that ends with the grace would race with
/// SIGKILL.
constexpr int kMarginShare = 4;

}  // namespace

Process::Process(const App& app, Identity identity, std::vector<ipc::Address> listen, Log& log,
                 const Patience& patience)
    : log_(log),
      patience_(patience),
      identity_(std::move(identity)),
      crash_handlers_(identity_.recorder),
      listen_(std::move(listen)),
      service_(app,
               {.loop = loop_,
                .page = identity_.recorder.page(),
                .who = {::getpid(), identity_.slot, identity_.generation},
                .timing = {.idle = identity_.idle_drain},
                .log = [this](std::string_view line) { log_.write(Log::Level::Warning, line); },
                .watch_log = [this](auto line) { log_.write(Log::Level::Warning, line); },
                .on_lifespan = [this](const auto& event) { on_lifespan(event); },
                .listen = [this](HttpServer& server) { return start_listening(server); },
                .redactor = &log_.redactor(),
                .tell = identity_.channel ? Scheduler::Tell([this](const auto& message) {
                  master_.send(message);
                })
                                          : Scheduler::Tell(),
                .patience = patience}),
      master_(loop_, std::exchange(identity_.channel, std::nullopt), identity_.notify_socket, log_,
              {.on_message = [this](const auto& message) { on_master_message(message); },
               .on_gone = [this] { on_master_gone(); }}),
      signals_(loop_, {SIGTERM, SIGINT, SIGQUIT}, [this](int signal) { on_signal(signal); }),
      heartbeat_(loop_, identity_.recorder.page(), Heartbeat::period_for(identity_.watchdog)),
      begin_timer_(loop_, [this] { begin(); }),
      grace_timer_(loop_, [this] { handle(LifeEvent::GraceSpent); }),
      drain_timer_(loop_, [this] { say_what_the_drain_waits_for(); }) {}

int Process::run() {
  begin_timer_.arm({});
  loop_.run();
  return exit_code_;
}

void Process::begin() {
  report(ipc::WorkerState::Starting);
  static const Activity kStart{ActivityKind::Resource, "the start"};
  opening_ = spawn(service_.context(), kStart, service_.open(),
                   [this](auto outcome) { on_opened(std::move(outcome)); });
}

void Process::on_signal(int signal) {
  if (signal == SIGQUIT) return handle(LifeEvent::Hurry);
  if (!master_.supervised()) {
    return handle(life_.state() == LifeState::Draining ? LifeEvent::Hurry : LifeEvent::DrainPrompt);
  }
  master_.receive();  // What kind of drain it is was said before, but may not be read yet.
  if (life_.state() != LifeState::Draining) handle(LifeEvent::DrainPrompt);
}

void Process::on_master_message(const ipc::MasterMessage& message) {
  service_.scheduler().on_message(message);
  if (message.not_ready) service_.announce_drain();
  if (!message.drain) return;
  const bool patient = *message.drain == ipc::DrainKind::Patient;
  handle(patient ? LifeEvent::DrainPatient : LifeEvent::DrainPrompt);
}

void Process::on_master_gone() {
  log_.warning("the master is gone: stopping");
  identity_.grace = std::min<std::chrono::milliseconds>(
      identity_.grace, std::chrono::duration_cast<std::chrono::milliseconds>(kOrphanGrace));
  if (life_.state() == LifeState::Draining) arm_grace();
  handle(LifeEvent::DrainPrompt);
  service_.scheduler().on_master_gone();
}

void Process::on_opened(detail::Outcome<std::expected<void, StartFailure>> outcome) {
  if (outcome && *outcome) return handle(LifeEvent::Opened);
  if (life_.state() != LifeState::Starting) return;  // Cancelled by a stop, which goes on.
  fail(outcome ? std::move(outcome->error())
               : StartFailure{ipc::WorkerExit::InternalError, describe(outcome.error())});
}

void Process::fail(StartFailure failure) {
  exit_code_ = static_cast<App::ExitCode>(failure.code);
  log_.error("the start failed: {} (exit code {})", failure.reason, static_cast<int>(failure.code));
  report(ipc::WorkerState::Failed, {.reason = std::move(failure.reason)});
  handle(LifeEvent::OpenFailed);
}

void Process::on_lifespan(const LifespanEvent& event) {
  const std::string line = describe(event);
  if (auto resource = report_of(event)) master_.send({.resource = std::move(resource)});
  say_what_is_done(event, line);
  log_lifespan(event, line);
  if (const auto* failed = std::get_if<CloseFailed>(&event);
      failed != nullptr && life_.state() == LifeState::Closing) {
    not_closed_.push_back(failed->about.name);
    tell_the_cost();
  }
  report_degraded();
}

void Process::say_what_is_done(const LifespanEvent& event, const std::string& line) {
  std::string step = line;
  if (const auto* opening = std::get_if<Opening>(&event)) {
    if (opening->attempt > 1) return;  // In the background, beside the requests.
    step = fmt::format("{}: {}", step_name(opening->about.phase), line);
  } else if (!std::holds_alternative<PhaseBegan>(event) &&
             !std::holds_alternative<Closing>(event)) {
    return;
  }
  ipc::record_activity(identity_.recorder.page(), line);
  master_.send({.step = std::move(step)});
}

void Process::log_lifespan(const LifespanEvent& event, const std::string& line) {
  const auto* failed = std::get_if<OpenFailed>(&event);
  const auto* checked = std::get_if<Checked>(&event);
  if (std::holds_alternative<PhaseBegan>(event) || std::holds_alternative<Opening>(event) ||
      std::holds_alternative<Closing>(event)) {
    return;  // Their end is logged, with how long it took.
  }
  if (failed != nullptr) {
    // What fails the start is told once, as the reason. Attempts in vain are told ever more seldom.
    const bool ends_the_start = failed->about.need == Need::Required && !failed->cancelled;
    const bool is_final = failed->retry_in == ipc::Duration() && !failed->cancelled;
    if (ends_the_start || (!is_final && !std::has_single_bit(failed->attempt))) return;
  }
  const bool bad = failed != nullptr || (checked != nullptr && !checked->passed) ||
                   std::holds_alternative<CloseFailed>(event) ||
                   std::holds_alternative<TakesLong>(event);
  log_.write(bad ? Log::Level::Warning : Log::Level::Info, line);
}

void Process::report_degraded() {
  if (life_.state() != LifeState::Serving) return;
  std::string failing = service_.failing();
  if (failing == failing_) return;
  failing_ = std::move(failing);
  report(failing_.empty() ? ipc::WorkerState::Running : ipc::WorkerState::Error,
         {.status = failing_});
}

void Process::say_what_the_drain_waits_for() {
  drain_timer_.arm(patience_.drain_report);
  std::vector<std::string> what = service_.waits_for();
  if (what.size() > kNamedInADrain) {
    const std::size_t more = what.size() - kNamedInADrain;
    what.resize(kNamedInADrain);
    what.push_back(fmt::format("{} more", more));
  }
  log_.info("draining for {}: waiting for {}", describe(ipc::Clock::now() - draining_since_),
            what.empty() ? "the loop" : fmt::format("{}", fmt::join(what, ", ")));
}

void Process::handle(LifeEvent event) {
  for (const LifeAction action : life_.on(event)) perform(action);
}

void Process::perform(LifeAction action) {
  switch (action) {
    case LifeAction::AnnounceReady:
      return announce_ready();
    case LifeAction::CancelOpening:
      return opening_.cancel();
    case LifeAction::ArmGrace:
      return arm_grace();
    case LifeAction::DrainPatiently:
      return drain(ipc::DrainKind::Patient);
    case LifeAction::DrainPromptly:
      return drain(ipc::DrainKind::Prompt);
    case LifeAction::CancelRequests:
      return cancel_requests();
    case LifeAction::CloseResources:
      return close_resources();
    case LifeAction::Exit:
      log_.write(cost().empty() ? Log::Level::Info : Log::Level::Warning,
                 cost().empty() ? "stopped" : "stopped; " + cost());
      return loop_.stop();
  }
}

void Process::announce_ready() {
  ipc::record_activity(identity_.recorder.page(), "");
  service_.set_ready();
  log_.info("ready after {}", describe(ipc::Clock::now() - started_));
  report(ipc::WorkerState::Ready, {.ready = true});
  report(ipc::WorkerState::Running);
  report_degraded();
}

void Process::arm_grace() {
  stop_by_ = ipc::Clock::now() + identity_.grace - teardown_reserve() / kMarginShare;
  grace_timer_.arm_from_now(identity_.grace - teardown_reserve());
}

void Process::drain(ipc::DrainKind kind) {
  ipc::RecorderPage& page = identity_.recorder.page();
  report(ipc::WorkerState::Shutdown, {.stopping = true});
  if (const auto reading = ipc::read(page, ipc::Clock::now())) {
    log_.info("draining ({}): {}", to_string(kind), describe(*reading));
  }
  ipc::record_activity(page, "draining");
  if (draining_since_ == ipc::TimePoint{}) {
    draining_since_ = ipc::Clock::now();
    drain_timer_.arm_from_now(patience_.drain_report);
  }
  service_.drain(kind, [this] { handle(LifeEvent::Drained); });
}

void Process::cancel_requests() {
  Service::Cancelled cancelled = service_.cancel();
  for (const std::string& what : cancelled.names) {
    log_.warning("cancelled {}: no time is left for it", what);
  }
  cancelled_ = std::move(cancelled.count);
  if (!cancelled_.empty()) tell_the_cost();
}

/// At once, and again when it grows: nothing more may come of a worker whose grace ends.
void Process::tell_the_cost() {
  if (master_.supervised()) master_.send({.cost = cost()});
}

std::string Process::cost() const {
  if (not_closed_.empty()) return cancelled_;
  const std::size_t named = std::min(not_closed_.size(), kNamedInADrain);
  const std::string more =
      named == not_closed_.size() ? "" : fmt::format(" and {} more", not_closed_.size() - named);
  return fmt::format("{}{}close of {}{} not done", cancelled_, cancelled_.empty() ? "" : ", ",
                     fmt::join(std::span(not_closed_).first(named), ", "), more);
}

void Process::close_resources() {
  grace_timer_.disarm();
  if (stop_by_ == ipc::TimePoint{}) stop_by_ = ipc::Clock::now() + teardown_reserve();
  if (exit_code_ == App::Stopped) report(ipc::WorkerState::Shutdown, {.stopping = true});
  static const Activity kTeardown{ActivityKind::Resource, "the teardown"};
  spawn(service_.context(), kTeardown, service_.close(stop_by_),
        [this](const auto&) { handle(LifeEvent::Closed); });
}

std::expected<std::string, StartFailure> Process::start_listening(HttpServer& server) {
  std::vector<ipc::UniqueFd> listeners;
  for (ipc::NamedFd& inherited : identity_.listeners) {
    // systemd passes blocking ones.
    ::fcntl(inherited.fd.get(), F_SETFL, ::fcntl(inherited.fd.get(), F_GETFL) | O_NONBLOCK);
    listeners.push_back(std::move(inherited.fd));
  }
  for (const ipc::Address& address : listen_) {
    auto bound = ipc::open_listener(address, kBacklog);
    if (!bound) {
      return std::unexpected(StartFailure{ipc::WorkerExit::SystemError, bound.error().text});
    }
    listeners.push_back(std::move(*bound));
  }
  std::vector<std::string> addresses;
  for (ipc::UniqueFd& listener : listeners) {
    addresses.push_back(ipc::local_address(listener.get()));
    server.listen(std::move(listener));
  }
  return fmt::format("{}", fmt::join(addresses, ", "));
}

void Process::report(ipc::WorkerState state, ipc::WorkerMessage message) {
  auto& recorded = identity_.recorder.page().state;
  recorded.store(static_cast<std::uint64_t>(state), std::memory_order_relaxed);
  message.state = state;
  master_.send(message);
}

ipc::Duration Process::teardown_reserve() const {
  return std::min<ipc::Duration>(kMostReserve, identity_.grace / kReserveShare);
}

}  // namespace reeve::worker
