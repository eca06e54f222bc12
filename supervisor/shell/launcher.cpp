#include "supervisor/shell/launcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

namespace reeve::supervisor {
namespace {

int socket_for_worker(const Listener& listener, const Seats& seats) {
  const auto seat = std::ranges::find_if(
      seats, [&listener](const Seat& taken) { return taken.is_at(listener.steered()); });
  return seat == seats.end() ? listener.fd() : seat->fd();
}

}  // namespace

Deployment Deployment::of(PoolConfig config, const ListenerSet& all) {
  Deployment deployment{.config = std::move(config), .listeners = {}, .ready_log = nullptr};
  for (const std::string& name : deployment.config.listen) {
    deployment.listeners.push_back(find_listener(all, name));  // The configuration was checked.
  }
  if (const auto* rule = std::get_if<ReadyLog>(&deployment.config.ready)) {
    deployment.ready_log = std::make_shared<const ReadyLogMatcher>(rule->pattern);
  }
  return deployment;
}

ipc::Result<std::unique_ptr<Process>> Launcher::launch(const Deployment& deployment,
                                                       Process::Identity identity, Seats seats,
                                                       ProcessObserver& observer) const {
  auto channel = ipc::Channel::pair();
  if (!channel) return std::unexpected(channel.error());
  auto recorder = ipc::Recorder::create();
  if (!recorder) return std::unexpected(recorder.error());
  auto out = Pipe::open();
  if (!out) return std::unexpected(out.error());
  auto error = Pipe::open();
  if (!error) return std::unexpected(error.error());

  const PoolConfig& pool = deployment.config;
  LaunchPlan plan = plan_launch(pool, surroundings_.environment,
                                {.slot = process_name(pool.spec.name, identity.slot),
                                 .generation = identity.generation,
                                 .notify_socket = surroundings_.notify_socket});
  plan.stdout_fd = out->write_end.get();
  plan.stderr_fd = error->write_end.get();
  plan.nofile = surroundings_.nofile;
  for (const SharedListener& listener : deployment.listeners) {
    plan.descriptors.push_back(socket_for_worker(*listener, seats));
  }
  plan.descriptors.push_back(channel->second.fd());
  plan.descriptors.push_back(recorder->fd());

  auto spawned = spawn(plan);
  if (!spawned) return std::unexpected(spawned.error());
  return std::make_unique<Process>(
      loop_, observer, identity,
      Process::Ends{std::move(channel->first), std::move(*recorder), std::move(out->read_end),
                    std::move(error->read_end), std::move(seats)},
      std::move(plan), std::move(*spawned));
}

std::string process_name(const std::string& pool, int slot) {
  return pool.ends_with(kRehearsalSuffix) ? pool : fmt::format("{}:{}", pool, slot);
}

}  // namespace reeve::supervisor
