#include "worker/process/master_link.hpp"

#include <utility>

#include "ipc/notify.hpp"

namespace reeve::worker {

MasterLink::MasterLink(ipc::uv::Loop& loop, std::optional<ipc::Channel> channel,
                       std::string notify_socket, Log& log, Callbacks callbacks)
    : channel_(std::move(channel)),
      notify_socket_(std::move(notify_socket)),
      log_(log),
      callbacks_(std::move(callbacks)) {
  if (!channel_) return;
  poll_.emplace(loop, channel_->fd(), [this](int) { receive(); });
  poll_->watch(UV_READABLE);
}

void MasterLink::send(ipc::WorkerMessage message) {
  if (supervised() && !poll_) return;  // The master is gone, which was told already.
  const auto redact = [this](auto& text) { text = log_.redactor().redact(text); };
  if (message.status) redact(*message.status);
  if (message.step) redact(*message.step);
  if (message.reason) redact(*message.reason);
  if (message.resource) redact(message.resource->detail);
  if (message.scheduled) redact(message.scheduled->detail);
  ipc::Result<> sent;
  if (channel_) {
    sent = channel_->send(format(message));
  } else if (!notify_socket_.empty()) {
    sent = ipc::notify(notify_socket_, format(message));
  }
  if (!sent) log_.warning("cannot report to the supervisor: {}; ignoring", sent.error().text);
}

void MasterLink::receive() {
  while (poll_) {
    const auto text = channel_->receive();
    if (text) {
      callbacks_.on_message(ipc::parse_master_message(*text));
    } else if (text.error() == ipc::Channel::End::Empty) {
      return;
    } else {
      poll_.reset();  // Readable for ever from now on.
      callbacks_.on_gone();
    }
  }
}

}  // namespace reeve::worker
