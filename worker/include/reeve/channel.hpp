#pragma once
// Channel<T>: values from tasks to tasks, first in, first out, bounded, so that a fast sender waits
// for a slow receiver.
//
//   reeve::Channel<int> numbers(16);
//   co_await numbers.send(1);
//   numbers.close();
//   while (auto number = co_await numbers.receive()) use(*number);  // Until it is empty.
//
// Any number of senders and receivers, served in the order in which they came. A send or a receive
// that need not wait goes on at once. It refuses to cross threads: loop thread only. It has no
// shared state: it outlives its use, or its waiting tasks see it as closed.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "reeve/suspension.hpp"

namespace reeve {

/// Thrown out of `co_await channel.send(...)` when the channel is closed. The value was not sent.
class ChannelClosed : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "the channel is closed"; }
};

template <class T>
class Channel;

namespace detail {

class ChannelBase;
class WaitList;

/// One waiting sender or receiver.
///
///   Fresh --> Listed --> Served (the value has moved) or Refused (closed)
///   A cancelled receiver gives back what it was served, a cancelled sender that was served has
///   sent: either way no value is lost or doubled.
class ChannelWait : public Suspension {
 protected:
  enum class Stage : std::uint8_t { Fresh, Listed, Served, Refused };

  explicit ChannelWait(ChannelBase& channel) : channel_(&channel) {}
  ChannelWait(ChannelWait&& fresh) noexcept = default;
  ~ChannelWait() override = default;

  void start_send();
  void start_receive();
  /// Leaves whatever list it is in. Every destructor of a derived class does that.
  void unlist() noexcept;
  /// Lets the task go on: at once if it has not had to wait.
  void finish(Stage stage);

  ChannelBase* channel_;  // Null when the channel died first.
  Stage stage_ = Stage::Fresh;

 private:
  friend class ChannelBase;
  friend class WaitList;
  WaitList* list_ = nullptr;
  ChannelWait* previous_ = nullptr;
  ChannelWait* next_ = nullptr;
};

class WaitList {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  [[nodiscard]] ChannelWait* first() const { return first_; }
  void push_back(ChannelWait& wait);
  void remove(ChannelWait& wait);

 private:
  ChannelWait* first_ = nullptr;
  ChannelWait* last_ = nullptr;
};

/// The order of service: the part of a channel that does not depend on T.
///
/// Between two calls: receivers wait only while the buffer is empty, senders only while it is full.
class ChannelBase {
 public:
  ChannelBase(const ChannelBase&) = delete;
  ChannelBase& operator=(const ChannelBase&) = delete;

  /// No more values: waiting and later sends throw ChannelClosed, receivers get what was sent, then
  /// nothing. More than once is harmless.
  void close();
  [[nodiscard]] bool closed() const { return closed_; }

 protected:
  explicit ChannelBase(std::size_t capacity) : capacity_(capacity) {}
  ~ChannelBase() = default;

  friend class ChannelWait;
  /// After every change: serves all that can be served.
  void settle();
  [[nodiscard]] bool may_send_now() const {
    return !closed_ && senders_.empty() && (buffered() < capacity_ || !receivers_.empty());
  }
  /// In the destructor of the derived class.
  void forsake() noexcept;

  [[nodiscard]] virtual std::size_t buffered() const = 0;
  /// Moves a sender's value to the end of the buffer.
  virtual void take_from(ChannelWait& sender) = 0;
  /// Moves the first value of the buffer to a receiver.
  virtual void hand_to(ChannelWait& receiver) = 0;

 private:
  const std::size_t capacity_;
  bool closed_ = false;
  WaitList senders_;
  WaitList receivers_;
  WaitList served_;  // Receivers that have a value and have not gone on yet: they may return it.
};

template <class T>
class [[nodiscard]] Send final : public ChannelWait {
 public:
  Send(Channel<T>& channel, T value) : ChannelWait(channel), value_(std::move(value)) {}
  Send(Send&&) noexcept = default;
  ~Send() override { unlist(); }

  void await_resume() const {
    if (stage_ == Stage::Served)
      return;  // The value was sent, even if the task was cancelled meanwhile.
    check();
    throw ChannelClosed();
  }

 private:
  friend class Channel<T>;
  void start(worker::Context&) override { start_send(); }
  bool abandon() noexcept override {
    unlist();
    return true;
  }

  T value_;
};

template <class T>
class [[nodiscard]] Receive final : public ChannelWait {
 public:
  explicit Receive(Channel<T>& channel) : ChannelWait(channel) {}
  Receive(Receive&&) noexcept = default;
  ~Receive() override { give_back(); }

  std::optional<T> await_resume() {
    unlist();
    if (stage_ != Stage::Served) check();
    return std::exchange(value_, std::nullopt);
  }

 private:
  friend class Channel<T>;
  void start(worker::Context&) override { start_receive(); }
  bool abandon() noexcept override {
    give_back();
    stage_ = Stage::Fresh;
    return true;
  }
  void give_back() noexcept {
    if (value_ && channel_ != nullptr) static_cast<Channel<T>*>(channel_)->take_back(*this);
    value_.reset();
    unlist();
  }

  std::optional<T> value_;
};

}  // namespace detail

/// A bounded queue between tasks: see above. For values that can be moved without a throw.
template <class T>
class Channel final : public detail::ChannelBase {
  static_assert(std::is_nothrow_move_constructible_v<T>, "a value must not get lost on its way");

 public:
  /// At most `capacity` values wait in it; with 0 each send waits for its receiver.
  explicit Channel(std::size_t capacity) : ChannelBase(capacity) {}
  ~Channel() { forsake(); }

  /// Waits while it is full. Throws ChannelClosed, and Cancelled; then the value was not sent. With
  /// g++ 12 a struct without constructors is named first, `co_await c.send(line)`: that compiler
  /// destroys the members of a temporary one, `co_await c.send({a, b})`, twice.
  detail::Send<T> send(T value) { return detail::Send<T>(*this, std::move(value)); }
  /// Waits while it is empty. Nothing: it is closed, and all that was sent has been received.
  /// Throws Cancelled; then no value was taken.
  detail::Receive<T> receive() { return detail::Receive<T>(*this); }

  /// Sends without waiting, from any code on the loop thread; false when it is full or closed.
  [[nodiscard]] bool try_send(T value) {
    if (!may_send_now()) return false;
    buffer_.push_back(std::move(value));
    settle();
    return true;
  }
  /// How many values wait in it.
  [[nodiscard]] std::size_t size() const { return buffer_.size(); }

 private:
  friend class detail::Receive<T>;

  [[nodiscard]] std::size_t buffered() const override { return buffer_.size(); }
  void take_from(detail::ChannelWait& sender) override {
    buffer_.push_back(std::move(static_cast<detail::Send<T>&>(sender).value_));
  }
  void hand_to(detail::ChannelWait& receiver) override {
    static_cast<detail::Receive<T>&>(receiver).value_.emplace(std::move(buffer_.front()));
    buffer_.pop_front();
  }
  /// For a moment there may be one more than the capacity.
  void take_back(detail::Receive<T>& receiver) {
    buffer_.push_front(std::move(*receiver.value_));
    receiver.value_.reset();
    receiver.unlist();
    settle();
  }

  std::deque<T> buffer_;
};

}  // namespace reeve
