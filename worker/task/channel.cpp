#include "reeve/channel.hpp"

#include <utility>

namespace reeve::detail {

void WaitList::push_back(ChannelWait& wait) {
  wait.list_ = this;
  wait.previous_ = last_;
  wait.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &wait;
  last_ = &wait;
}

void WaitList::remove(ChannelWait& wait) {
  (wait.previous_ != nullptr ? wait.previous_->next_ : first_) = wait.next_;
  (wait.next_ != nullptr ? wait.next_->previous_ : last_) = wait.previous_;
  wait.list_ = nullptr;
}

void ChannelWait::start_send() {
  if (channel_->closed_) throw ChannelClosed();
  stage_ = Stage::Listed;
  channel_->senders_.push_back(*this);
  channel_->settle();
}

void ChannelWait::start_receive() {
  stage_ = Stage::Listed;
  channel_->receivers_.push_back(*this);
  channel_->settle();
}

void ChannelWait::unlist() noexcept {
  if (list_ == nullptr) return;
  list_->remove(*this);
  // The last of the served ones that goes on, or gives its value back, decides what is drained.
  if (channel_->closed_) channel_->settle();
}

void ChannelWait::finish(Stage stage) {
  stage_ = stage;
  if (waiting()) {
    wake_later();
  } else {
    wake();
  }
}

void ChannelBase::settle() {
  using Stage = ChannelWait::Stage;
  while (true) {
    if (!receivers_.empty() && buffered() > 0) {
      ChannelWait& receiver = *receivers_.first();
      receivers_.remove(receiver);
      served_.push_back(receiver);
      hand_to(receiver);
      receiver.finish(Stage::Served);
    } else if (!senders_.empty() && (buffered() < capacity_ || !receivers_.empty())) {
      ChannelWait& sender = *senders_.first();
      senders_.remove(sender);
      take_from(sender);
      sender.finish(Stage::Served);
    } else {
      break;
    }
  }
  if (!closed_ || buffered() > 0 || !served_.empty()) return;
  while (!receivers_.empty()) {  // Closed and drained.
    ChannelWait& receiver = *receivers_.first();
    receivers_.remove(receiver);
    receiver.finish(Stage::Refused);
  }
}

void ChannelBase::close() {
  if (std::exchange(closed_, true)) return;
  while (!senders_.empty()) {
    ChannelWait& sender = *senders_.first();
    senders_.remove(sender);
    sender.finish(ChannelWait::Stage::Refused);
  }
  settle();
}

void ChannelBase::forsake() noexcept {
  close();
  while (!served_.empty()) {  // Served receivers keep what they have.
    ChannelWait& receiver = *served_.first();
    served_.remove(receiver);
    receiver.channel_ = nullptr;
  }
  while (!receivers_.empty()) {
    ChannelWait& receiver = *receivers_.first();
    receivers_.remove(receiver);
    receiver.finish(ChannelWait::Stage::Refused);
  }
}

}  // namespace reeve::detail
