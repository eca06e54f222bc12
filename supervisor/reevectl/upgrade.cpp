#include "supervisor/reevectl/upgrade.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <optional>

#include "ipc/base/clock.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/show.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Client;
using ipc::control::Method;
using ipc::control::Reply;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kComesBackWithin{10};
constexpr milliseconds kBetweenTries{20};

/// Asks whoever listens at `socket` for its version, until the deadline.
ipc::Result<Reply> version_of_successor(const std::string& socket) {
  const ipc::TimePoint deadline = ipc::Clock::now() + kComesBackWithin;
  while (true) {
    auto reply = [&]() -> ipc::Result<Reply> {
      auto client = Client::connect(socket);
      if (!client) return std::unexpected(client.error());
      const auto left = std::chrono::ceil<milliseconds>(deadline - ipc::Clock::now());
      if (auto limited = client->limit_wait(std::max(left, kBetweenTries)); !limited) {
        return std::unexpected(limited.error());
      }
      return client->call({.method = Method::Version});
    }();
    if (reply || ipc::Clock::now() >= deadline) return reply;
    ::poll(nullptr, 0, static_cast<int>(kBetweenTries.count()));
  }
}

/// The verdict that the master did not live to give.
Reply judge(const Reply& before, const ipc::Result<Reply>& after) {
  ipc::control::Verdict verdict{.name = "", .ok = false, .code = "upgrade_failed", .text = ""};
  if (!after) {
    verdict.text = fmt::format("the master ended its connection and has not answered for {} s: {}",
                               kComesBackWithin.count(), after.error().text);
  } else if (after->master_pid != before.master_pid) {
    verdict.text = fmt::format("the master, pid {}, has ended, and another one, pid {}, answers",
                               before.master_pid, after->master_pid);
  } else {
    verdict = {.name = "",
               .ok = true,
               .code = "upgraded",
               .text = fmt::format("from version {} to {}, pid {}", before.text, after->text,
                                   after->master_pid)};
  }
  Reply reply;
  reply.verdicts.push_back(std::move(verdict));
  return reply;
}

}  // namespace

int upgrade(const Ask& ask, Client& client, const std::string& socket) {
  const auto before = client.call({.method = Method::Version});
  if (!before) {
    complain(before.error().text);
    return exit_code::kFailure;
  }
  const auto reply = client.call(ask.request, [&](const Reply& more) { (void)show(ask, more); });
  if (reply) return show(ask, *reply);
  return show(ask, judge(*before, version_of_successor(socket)));
}

}  // namespace reeve::supervisor::ctl
