#include "supervisor/reevectl/run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "ipc/base/clock.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/render.hpp"
#include "supervisor/reevectl/socket_path.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Client;
using ipc::control::Method;
using ipc::control::Reply;
using std::chrono::milliseconds;

/// Prints a reply as it was asked for, at once. Returns its exit code.
int show(const Ask& ask, const Reply& reply) {
  const Rendering rendering = render(ask.request, reply);
  if (ask.json) {
    put(encode(reply) + '\n');
  } else {
    put(rendering.output);  // `tail -f` in a pipe shows each line as it comes.
    fmt::print(stderr, "{}", rendering.errors);
  }
  return rendering.exit_code;
}

ipc::Result<Reply> call(const Ask& ask, Client& client) {
  return client.call(ask.request, [&ask](const Reply& more) { (void)show(ask, more); });
}

/// What supervisorctl says and returns when it finds no supervisord, and what to do about it.
struct NoMaster {
  int error;
  std::string_view text;
  int status_code;  ///< of `status`
  int other_code;
};
constexpr std::array kNoMaster = {
    NoMaster{ENOENT,
             "no such file; is the master running there? Name its configuration with -c or its "
             "socket with -s",
             exit_code::kStatusUnknown, exit_code::kNotRunning},
    NoMaster{ECONNREFUSED,
             "refused connection; the master has ended, start it again with `reeve run`",
             exit_code::kNoAccess, exit_code::kNoAccess},
    NoMaster{EACCES, "permission denied; only root and the master's user may control it",
             exit_code::kNoAccess, exit_code::kNoAccess},
};

/// What the master cannot answer in time, or no more.
int no_answer(const Ask& ask, const ipc::Error& error) {
  complain(error.text);
  return ask.request.method == Method::Status ? exit_code::kStatusUnknown : exit_code::kFailure;
}

int no_master(const Ask& ask, const std::string& socket, const ipc::Error& error) {
  const auto* known = std::ranges::find(kNoMaster, error.code, &NoMaster::error);
  if (known == kNoMaster.end()) return no_answer(ask, error);
  complain(fmt::format("unix://{} {}", socket, known->text));
  return ask.request.method == Method::Status ? known->status_code : known->other_code;
}

constexpr std::chrono::seconds kAnswersWithin{5};

int silent_master(const std::string& socket, pid_t pid) {
  complain(
      fmt::format("the master{} does not answer within {} s at unix://{}; is it stopped, or "
                  "does something hold it up?",
                  pid > 0 ? fmt::format(", pid {},", pid) : "", kAnswersWithin.count(), socket));
  return exit_code::kNoAccess;
}

/// A request goes to a master that answers: what one that is stopped would find later, nobody wants
/// any more.
ipc::Result<Reply> greet(Client& client) {
  if (auto limited = client.limit_wait(kAnswersWithin); !limited) {
    return std::unexpected(limited.error());
  }
  auto reply = client.call({.method = Method::Version});
  if (auto limited = client.limit_wait({}); !limited) return std::unexpected(limited.error());
  return reply;
}

/// What Ctrl-C says of a command that changes something: a handler can make no text.
constinit char farewell[512] = {};
constinit std::size_t farewell_size = 0;

void say_farewell(int signal) {
  [[maybe_unused]] const ssize_t tolerated = ::write(STDERR_FILENO, farewell, farewell_size);
  ::raise(signal);  // For the second time: the handler is gone.
}

void prepare_farewell(const Ask& ask) {
  std::string where;
  if (!ask.socket.empty()) where = " -s " + ask.socket;
  if (!ask.config_path.empty()) where += " -c " + ask.config_path;
  const std::string text = fmt::format(
      "\nreevectl: interrupted; what has begun goes on in the master: watch it with `reevectl{} "
      "events` or `reevectl{} status`; what was waiting for its turn is dropped\n",
      where, where);
  farewell_size = text.copy(farewell, sizeof farewell);
  struct sigaction action{};
  action.sa_handler = say_farewell;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigaction(SIGINT, &action, nullptr);
}

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

int run(const Ask& ask) {
  const auto socket = find_socket(ask.socket, ask.config_path);
  if (!socket) {
    complain(socket.error().text);
    return exit_code::kUsage;
  }
  auto client = Client::connect(*socket, kAnswersWithin);
  if (!client && client.error().code == EAGAIN) return silent_master(*socket, 0);
  if (!client) return no_master(ask, *socket, client.error());
  const auto greeting = greet(*client);
  if (!greeting && greeting.error().code == EAGAIN) {
    return silent_master(*socket, client->master_pid());
  }
  if (!greeting) return no_answer(ask, greeting.error());
  if (greeting->error) return show(ask, *greeting);
  if (ipc::control::traits(ask.request.method).changes) prepare_farewell(ask);
  if (ask.request.method == Method::Upgrade) return upgrade(ask, *client, *socket);

  const auto reply = call(ask, *client);
  return reply ? show(ask, *reply) : no_answer(ask, reply.error());
}

int upgrade(const Ask& ask, Client& client, const std::string& socket) {
  const auto before = client.call({.method = Method::Version});
  if (!before) return no_answer(ask, before.error());
  const auto reply = call(ask, client);
  return show(ask, reply ? *reply : judge(*before, version_of_successor(socket)));
}

void put(std::string_view text) {
  const bool taken = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (taken && std::fflush(stdout) == 0) return;
  complain(fmt::format("cannot write to stdout: {}", ipc::errno_text(errno)));
  std::_Exit(exit_code::kFailure);
}

void complain(const std::string& text) { fmt::print(stderr, "reevectl: {}\n", text); }

}  // namespace reeve::supervisor::ctl
