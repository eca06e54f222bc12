#include "supervisor/helper/helper.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace reeve::supervisor {
namespace {

constexpr int kRepliesATurn = 64;
constexpr int kMostTries = 2;
constexpr int kKillTakesMs = 100;
/// Beyond the timeout of a probe, which it keeps itself.
constexpr Duration kHelperTakes = std::chrono::seconds(2);

FoundUser judge(const std::string& text,
                const std::expected<std::string, Helper::Failure>& answer) {
  const auto failed = [&text](std::string_view why) {
    return std::unexpected(fmt::format("cannot look up \"{}\": {}", text, why));
  };
  if (answer) {
    if (auto found = parse_found_user(*answer)) return std::move(*found);
    return failed("the helper's answer is malformed");
  }
  switch (answer.error()) {
    case Helper::Failure::Late:
      return failed(fmt::format("the name service did not answer within {}",
                                short_duration(kFindUserWithin)));
    case Helper::Failure::Ended:
      return failed("the process that asks the name service has ended twice meanwhile");
    case Helper::Failure::TooMany:
      return failed("too many look-ups wait already; try again later");
  }
  std::unreachable();
}

ProbeAnswer judge(const std::vector<int>& good,
                  const std::expected<std::string, Helper::Failure>& answer) {
  using enum ProbeAnswer::Kind;
  const auto heard = answer ? parse_network_answer(*answer) : std::nullopt;
  if (!heard) return {Unknown, "the helper, which asks, did not answer"};
  if (!*heard) return {Bad, heard->error()};
  if (std::ranges::find(good, **heard) != good.end()) return {Good, ""};
  return {Bad, fmt::format("status {}", **heard)};
}

}  // namespace

Helper::Helper(ipc::uv::Loop& loop, Callbacks callbacks)
    : loop_(loop), callbacks_(std::move(callbacks)), timer_(loop, [this] { on_timer(); }) {}

/// Waits for a moment, so that no zombie is left to who comes after: not for one that cannot die.
Helper::~Helper() {
  if (!pid_) return;
  const ipc::UniqueFd watched(static_cast<int>(::syscall(SYS_pidfd_open, *pid_, 0)));
  ::kill(*pid_, SIGKILL);
  pollfd end{.fd = watched.get(), .events = POLLIN, .revents = 0};
  if (watched && ::poll(&end, 1, kKillTakesMs) > 0) ::waitpid(*pid_, nullptr, WNOHANG);
}

void Helper::ask(HelperTask task, std::string text, Duration deadline, OnAnswer on_answer) {
  if (requests_.size() >= kMostRequests) return on_answer(std::unexpected(Failure::TooMany));
  requests_.emplace(++last_id_, Request{.task = task,
                                        .text = std::move(text),
                                        .deadline = loop_.now() + deadline,
                                        .on_answer = std::move(on_answer)});
  advance();
}

/// Sends what is not sent, to a process that is started for it, and arms the timer for what is
/// next.
void Helper::advance() {
  if (requests_.empty()) return timer_.disarm();
  const bool may_start = !pid_ && loop_.now() >= not_before_;
  if (socket_ || (may_start && start_process())) send_all();
  TimePoint next = requests_.begin()->second.deadline;
  for (const auto& [id, request] : requests_) next = std::min(next, request.deadline);
  if (!pid_) next = std::min(next, not_before_);
  timer_.arm(std::max(next - loop_.now(), Duration::zero()));
}

bool Helper::start_process() {
  // A reply makes it short again.
  not_before_ = loop_.now() + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
  auto started = callbacks_.start();
  if (!started) {
    callbacks_.warn(fmt::format("cannot start the helper: {}", started.error().text));
    return false;
  }
  pid_ = started->pid;
  socket_ = std::move(started->socket);
  try {
    poll_.emplace(loop_, socket_.get(), [this](int) { receive(); });
    poll_->watch(UV_READABLE);
  } catch (const std::system_error& lack) {
    callbacks_.warn(fmt::format("cannot watch the helper: {}", lack.what()));
    kill_process();
    return false;
  }
  return true;
}

/// A full socket is tried again after the next reply. A closed one is told by the next read.
void Helper::send_all() {
  for (auto& [id, request] : requests_) {
    if (request.in_flight) continue;
    const std::string packet =
        format(HelperRequest{.id = id, .task = request.task, .text = request.text});
    if (::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) return;
    request.in_flight = true;
    ++request.sent;
  }
}

void Helper::receive() {
  std::vector<char> packet(kMostReplyBytes);
  for (int i = 0; i < kRepliesATurn && socket_; ++i) {
    // The whole size is said, also of what is cut.
    const ssize_t size = ::recv(socket_.get(), packet.data(), packet.size(), MSG_TRUNC);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) break;
    const auto length = static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    const auto reply = length > 0 && length <= packet.size()
                           ? parse_helper_reply({packet.data(), length})
                           : std::nullopt;
    const auto asked = reply ? requests_.find(reply->id) : requests_.end();
    if (asked == requests_.end() || !asked->second.in_flight) {
      if (length > 0) callbacks_.warn("the helper sent a reply that nobody asked for; killing it");
      kill_process();  // Or it has closed its end: nothing more comes from it.
      break;
    }
    pause_ = kFirstPause;
    finish(reply->id, reply->text);
  }
  advance();
}

void Helper::on_timer() {
  std::vector<std::uint64_t> late;
  bool hangs = false;
  for (const auto& [id, request] : requests_) {
    if (request.deadline > loop_.now()) continue;
    late.push_back(id);
    hangs = hangs || request.in_flight;
  }
  for (const std::uint64_t id : late) finish(id, std::unexpected(Failure::Late));
  // What waits behind it is asked again.
  if (hangs) kill_process();
  advance();
}

void Helper::exited(pid_t pid, const Death& death) {
  if (pid_ != pid) return;
  pid_.reset();
  not_before_ = std::max(not_before_, loop_.now() + pause_);
  callbacks_.warn(
      fmt::format("the helper (pid {}) has ended ({}); another one is started when it is needed",
                  pid, describe(death)));
  if (socket_) receive();  // It may have answered first.
  drop_line();
  advance();
}

void Helper::kill_process() {
  if (pid_) ::kill(*pid_, SIGKILL);
  drop_line();
}

void Helper::drop_line() {
  poll_.reset();
  socket_.reset();
  std::vector<std::uint64_t> given_up;
  for (auto& [id, request] : requests_) {
    if (!std::exchange(request.in_flight, false)) continue;
    if (request.sent >= kMostTries) given_up.push_back(id);
  }
  for (const std::uint64_t id : given_up) finish(id, std::unexpected(Failure::Ended));
}

/// The receiver of the answer may ask anew from inside.
void Helper::finish(std::uint64_t id, std::expected<std::string, Failure> answer) {
  auto request = requests_.extract(id);
  if (!request.empty()) request.mapped().on_answer(std::move(answer));
}

void find_user(Helper& helper, const std::string& text,
               std::function<void(FoundUser found)> on_found) {
  helper.ask(HelperTask::LookUpUser, text, kFindUserWithin,
             [text, on_found = std::move(on_found)](const auto& answer) {
               on_found(judge(text, answer));
             });
}

void ask_from_outside(Helper& helper, const NetworkProbe& probe, std::vector<int> good,
                      OnProbeAnswer on_answer) {
  helper.ask(HelperTask::Ask, format(probe), probe.timeout + kHelperTakes,
             [good = std::move(good), on_answer = std::move(on_answer)](const auto& answer) {
               on_answer(judge(good, answer));
             });
}

}  // namespace reeve::supervisor
