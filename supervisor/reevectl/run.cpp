#include "supervisor/reevectl/run.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "ipc/control/client.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/render.hpp"
#include "supervisor/reevectl/show.hpp"
#include "supervisor/reevectl/socket_path.hpp"
#include "supervisor/reevectl/upgrade.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Client;
using ipc::control::Method;
using ipc::control::Reply;

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

/// What the master cannot answer in time, or no more.
int no_answer(const Ask& ask, const ipc::Error& error) {
  complain(error.text);
  return ask.request.method == Method::Status ? exit_code::kStatusUnknown : exit_code::kFailure;
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
  if (ask.request.method == Method::Upgrade) return upgrade(ask, *client, *socket);

  const auto reply = client->call(ask.request, [&](const Reply& more) { (void)show(ask, more); });
  if (!reply) return no_answer(ask, reply.error());
  return show(ask, *reply);
}

}  // namespace reeve::supervisor::ctl
