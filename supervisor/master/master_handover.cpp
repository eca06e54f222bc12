// The whole master as plain data, and from it the next one.
#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "ipc/version.hpp"
#include "supervisor/listen/listeners_handover.hpp"
#include "supervisor/master/master.hpp"

namespace reeve::supervisor {

ipc::Result<Handover> Master::hand_over(const std::vector<SessionId>& askers) const {
  if (shutdown_.running()) return ipc::failure("the master is shutting down");
  std::string busy = pools_.at_work();
  if (busy.empty() && reload_.busy()) busy = "a reload runs";
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
  handover.lock_fd = lock_fd_;
  handover.notify_fd = notify_->fd();
  handover.control_fd = control_->fd();
  for (const ipc::NamedFd& spare : file_.spare()) {
    handover.adopted.push_back({.name = spare.name, .fd = spare.fd.get()});
  }
  HandedListeners listeners;
  handover.pools = pools_.hand_over(listeners);
  for (const SharedListener& kept : file_.kept()) {
    handover.kept_listeners.push_back(listeners.place_of(*kept));
  }
  handover.listeners = listeners.take();
  handover.sessions = control_->hand_over(askers);
  handover.log_tail = log_.tail().last(TailBuffer::kMaxBytes);
  handover.unwritten_log = output_.unwritten();
  return handover;
}

void Master::adopt(const Handover& handover, const RuntimeDir& runtime_dir) {
  adopted_ = true;
  started_at_ = handover.started_at;
  said_ready_ = handover.said_ready;
  notify_ = NotifyServer::adopt(
      loop_,
      ipc::NotifySocket::adopt(ipc::UniqueFd(handover.notify_fd), runtime_dir.notify_socket()),
      [this](const ipc::Notification& message) { pools_.on_message(message); });
  control_ = ControlServer::adopt(loop_, ipc::UniqueFd(handover.control_fd),
                                  runtime_dir.control_socket(), control_callbacks());
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
  const int workers = pools_.workers();
  const std::string text = fmt::format("from {} to {}, pid {}, {} worker{} kept", from.version,
                                       ipc::kVersion, ::getpid(), workers, workers == 1 ? "" : "s");
  log_.info("upgraded {}", text);
  for (const SessionId asker : askers) {
    commands_.answer(asker, {{.name = "", .ok = true, .code = "upgraded", .text = text}});
  }
}

}  // namespace reeve::supervisor
