#include "supervisor/ctl/run.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "ipc/control_client.hpp"
#include "supervisor/ctl/exit_codes.hpp"
#include "supervisor/ctl/render.hpp"
#include "supervisor/ctl/socket_path.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Client;
using ipc::control::Method;
using ipc::control::Reply;

void complain(const std::string& text) { fmt::print(stderr, "reevectl: {}\n", text); }

/// What supervisorctl says and returns when it finds no supervisord, and what to do about it.
int no_master(const Ask& ask, const std::string& socket, const ipc::Error& error) {
  const bool status = ask.request.method == Method::Status;
  if (error.code == ENOENT) {
    complain(
        fmt::format("unix://{} no such file; is the master running there? Name its "
                    "configuration with -c or its socket with -s",
                    socket));
    return status ? exit_code::kStatusUnknown : exit_code::kNotRunning;
  }
  if (error.code == ECONNREFUSED) {
    complain(
        fmt::format("unix://{} refused connection; the master has ended, start it again with "
                    "`reeve run`",
                    socket));
    return exit_code::kNoAccess;
  }
  if (error.code == EACCES) {
    complain(
        fmt::format("unix://{} permission denied; only root and the master's user may "
                    "control it",
                    socket));
    return exit_code::kNoAccess;
  }
  complain(error.text);
  return status ? exit_code::kStatusUnknown : exit_code::kFailure;
}

int show(const Ask& ask, const Reply& reply) {
  const Rendering rendering = render(ask.request, reply);
  if (ask.json) {
    fmt::print("{}\n", ipc::control::encode(reply));
  } else {
    fmt::print("{}", rendering.output);
    fmt::print(stderr, "{}", rendering.errors);
  }
  std::fflush(stdout);  // `tail -f` in a pipe shows each line as it comes.
  return rendering.exit_code;
}

}  // namespace

int run(const Ask& ask) {
  const auto socket = find_socket(ask.socket, ask.config_path);
  if (!socket) {
    complain(socket.error().text);
    return exit_code::kUsage;
  }
  auto client = Client::connect(*socket);
  if (!client) return no_master(ask, *socket, client.error());

  const auto reply = client->call(ask.request, [&](const Reply& more) { (void)show(ask, more); });
  if (!reply) {
    complain(reply.error().text);
    return ask.request.method == Method::Status ? exit_code::kStatusUnknown : exit_code::kFailure;
  }
  return show(ask, *reply);
}

}  // namespace reeve::supervisor::ctl
