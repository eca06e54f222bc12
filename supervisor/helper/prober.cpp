#include "supervisor/helper/prober.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "ipc/base/duration.hpp"
#include "ipc/base/error.hpp"

namespace reeve::supervisor {
namespace {

using std::chrono::milliseconds;

/// Of a limit that nobody looked at in time: this process itself was stopped, or starved.
constexpr ipc::Duration kStandsStill = milliseconds(500);
constexpr std::size_t kMostOfAnAnswer = 64 * 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;  // 0: it is no address.

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

SocketAddress socket_address(const std::string& text, std::uint16_t port) {
  SocketAddress address;
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
    const sockaddr_in in{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = v4, .sin_zero = {}};
    std::memcpy(&address.storage, &in, sizeof(in));
    address.size = sizeof(in);
  } else if (::inet_pton(AF_INET6, text.c_str(), &v6) == 1) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = v6;
    std::memcpy(&address.storage, &in, sizeof(in));
    address.size = sizeof(in);
  }
  return address;
}

std::string in_small_letters(int error) {
  std::string text = ipc::errno_text(error);
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

/// Of a port of which nobody listens the kernel may make both ends of one connection.
bool is_with_itself(int socket) {
  SocketAddress own;
  SocketAddress other;
  own.size = sizeof(own.storage);
  other.size = sizeof(other.storage);
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&own.storage), &own.size) == 0 &&
         ::getpeername(socket, reinterpret_cast<sockaddr*>(&other.storage), &other.size) == 0 &&
         own.size == other.size && std::memcmp(&own.storage, &other.storage, own.size) == 0;
}

}  // namespace

void Prober::begin(std::uint64_t id, NetworkProbe probe, ipc::TimePoint now) {
  Question& question = questions_.emplace_back();
  question.id = id;
  question.deadline = now + probe.timeout;
  if (socket_address(probe.host, probe.port).size > 0) {
    question.addresses = {probe.host};
  } else {  // A name is only said. Who asks for "localhost" may listen at either.
    question.addresses = {"::1", "127.0.0.1"};
  }
  question.probe = std::move(probe);
  connect_next(question, "");
  std::erase_if(questions_, [](const Question& one) { return one.step == Question::Step::Over; });
}

void Prober::connect_next(Question& question, std::string why_not) {
  while (!question.addresses.empty()) {
    question.address = std::move(question.addresses.back());
    question.addresses.pop_back();
    const SocketAddress address = socket_address(question.address, question.probe.port);
    question.socket.reset(::socket(address.get()->sa_family,
                                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!question.socket && errno != EAFNOSUPPORT) {  // A shortage here is nobody's fault.
      question.step = Question::Step::Over;
      return on_answer_(question.id, std::string(kStoodStill));
    }
    question.step = Question::Step::Connecting;
    if (question.socket && (::connect(question.socket.get(), address.get(), address.size) == 0 ||
                            errno == EINPROGRESS)) {
      return;
    }
    if (why_not.empty()) why_not = in_small_letters(errno);
  }
  answer(question, std::unexpected(std::move(why_not)));
}

void Prober::add_to(std::vector<pollfd>& watched) const {
  for (const Question& question : questions_) {
    const bool connects = question.step == Question::Step::Connecting;
    watched.push_back({.fd = question.socket.get(),
                       .events = static_cast<short>(connects ? POLLOUT : POLLIN),
                       .revents = 0});
  }
}

int Prober::wait(ipc::TimePoint now) const {
  if (questions_.empty()) return -1;
  ipc::TimePoint next = questions_.front().deadline;
  for (const Question& question : questions_) next = std::min(next, question.deadline);
  const auto left = std::chrono::ceil<milliseconds>(next - now).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void Prober::advance(const std::vector<pollfd>& watched, ipc::TimePoint now) {
  auto found = watched.end() - static_cast<std::ptrdiff_t>(questions_.size());
  for (Question& question : questions_) {
    const bool is_due = (found++)->revents != 0;
    if (is_due && question.step == Question::Step::Connecting) {
      on_connected(question);
    } else if (is_due) {
      on_readable(question);
    }
    if (question.step == Question::Step::Over || question.deadline > now) continue;
    if (question.step != Question::Step::Emptying) {
      if (now - question.deadline > kStandsStill) {
        on_answer_(question.id, std::string(kStoodStill));
      } else {
        answer(question, std::unexpected(fmt::format("no answer within {}",
                                                     ipc::short_duration(question.probe.timeout))));
      }
    }
    question.step = Question::Step::Over;
  }
  std::erase_if(questions_, [](const Question& one) { return one.step == Question::Step::Over; });
}

void Prober::on_connected(Question& question) {
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(question.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0 && is_with_itself(question.socket.get())) error = ECONNREFUSED;
  if (error != 0) return connect_next(question, in_small_letters(error));
  if (question.probe.path.empty()) return answer(question, 0);
  const bool is_v6 = question.address.contains(':');
  const std::string said = !question.probe.host.empty() && !question.probe.host.contains(':')
                               ? question.probe.host
                               : (is_v6 ? fmt::format("[{}]", question.address) : question.address);
  const std::string request = http_request(question.probe, said);
  // A new socket has room for all of it.
  const ssize_t sent = ::send(question.socket.get(), request.data(), request.size(), MSG_NOSIGNAL);
  if (std::cmp_not_equal(sent, request.size())) {
    return answer(question, std::unexpected(in_small_letters(sent < 0 ? errno : EAGAIN)));
  }
  question.step = Question::Step::Asking;
}

void Prober::on_readable(Question& question) {
  std::array<char, 4096> bytes;
  const ssize_t size = ::recv(question.socket.get(), bytes.data(), bytes.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const bool is_answered = question.step == Question::Step::Emptying;
  if (size <= 0) {
    if (!is_answered) {
      answer(question, size == 0 ? question.reader.end()
                                 : NetworkAnswer(std::unexpected(in_small_letters(errno))));
    }
    question.step = Question::Step::Over;
    return;
  }
  question.bytes += static_cast<std::size_t>(size);
  if (!is_answered) {
    const auto found = question.reader.take({bytes.data(), static_cast<std::size_t>(size)});
    if (!found) return;
    answer(question, *found);
    if (*found) question.step = Question::Step::Emptying;
  }
  if (question.bytes >= kMostOfAnAnswer) question.step = Question::Step::Over;
}

void Prober::answer(Question& question, const NetworkAnswer& answer) {
  question.step = Question::Step::Over;
  on_answer_(question.id, format(answer));
}

}  // namespace reeve::supervisor
