#include "worker/http/buffers.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace reeve::worker {
namespace {

constexpr std::size_t kLargeBody = 16 * 1024;
constexpr std::size_t kKeptCapacity = 16 * 1024;

void empty(std::string& text) {
  text.clear();
  if (text.capacity() > kKeptCapacity) text.shrink_to_fit();
}

}  // namespace

void Output::append_body(std::string body) {
  if (body.size() >= kLargeBody && large_.empty()) {
    large_ = std::move(body);
  } else {
    tail() += body;
  }
}

Output::Flushed Output::flush(int fd) {
  while (!empty()) {
    std::array<iovec, 3> parts;
    std::size_t count = 0;
    std::size_t skip = sent_;
    for (std::string* text : {&head_, &large_, &tail_}) {
      const std::size_t skipped = std::min(skip, text->size());
      skip -= skipped;
      if (skipped < text->size()) parts[count++] = {text->data() + skipped, text->size() - skipped};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent = count == 1 ? ::send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                                    : ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN ? Flushed::Partly : Flushed::Failed;
    }
    sent_ += static_cast<std::size_t>(sent);
  }
  clear();
  return Flushed::All;
}

void Output::clear() {
  worker::empty(head_);
  worker::empty(large_);
  worker::empty(tail_);
  sent_ = 0;
}

}  // namespace reeve::worker
