#include "supervisor/upgrade/handover_descriptors.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <utility>

namespace reeve::supervisor {
namespace {

using Kind = HandedFd::Kind;

void add_listener(const ListenerHandover& listener, std::vector<HandedFd>& all) {
  const std::string what = fmt::format("listen.{}", listener.config.name);
  if (listener.fd != kNoFd) all.push_back({what, listener.fd, Kind::Socket});
  if (!listener.steered) return;
  all.push_back({what, listener.steered->anchor_fd, Kind::Socket});
  for (const SteeredHandover::Socket& socket : listener.steered->sockets) {
    all.push_back({what, socket.fd, Kind::Socket});
  }
}

void add_process(const std::string& pool, const ProcessHandover& process,
                 std::vector<HandedFd>& all) {
  const auto name = [&](std::string_view what) {
    return fmt::format("{} of {}:{} (pid {})", what, pool, process.slot, process.pid);
  };
  all.push_back({name("the channel"), process.channel_fd, Kind::Socket});
  all.push_back({name("the recorder"), process.recorder_fd, Kind::Memory});
  all.push_back({name("stdout"), process.out.fd, Kind::Pipe});
  all.push_back({name("stderr"), process.error.fd, Kind::Pipe});
  if (process.exec_status_fd != kNoFd) {
    all.push_back({name("the status of exec"), process.exec_status_fd, Kind::Pipe});
  }
}

bool is_of(Kind kind, mode_t mode) {
  switch (kind) {
    case Kind::Socket:
      return S_ISSOCK(mode);
    case Kind::Pipe:
      return S_ISFIFO(mode);
    case Kind::Memory:
    case Kind::File:
      return S_ISREG(mode);
  }
  std::unreachable();
}

}  // namespace

std::vector<HandedFd> descriptors_of(const Handover& handover) {
  std::vector<HandedFd> all = {{"the lock", handover.lock_fd, Kind::File},
                               {"the notify socket", handover.notify_fd, Kind::Socket},
                               {"the control socket", handover.control_fd, Kind::Socket}};
  for (const NamedFdHandover& adopted : handover.adopted) {
    all.push_back({fmt::format("systemd:{}", adopted.name), adopted.fd, Kind::Socket});
  }
  for (const ListenerHandover& listener : handover.listeners) add_listener(listener, all);
  for (const PoolHandover& pool : handover.pools) {
    for (const ProcessHandover& process : pool.processes) {
      add_process(pool.state.spec.name, process, all);
    }
  }
  for (const SessionHandover& session : handover.sessions) {
    all.push_back({"a client of the control socket", session.fd, Kind::Socket});
  }
  return all;
}

std::string wrong_descriptor(const std::vector<HandedFd>& descriptors) {
  for (const HandedFd& handed : descriptors) {
    struct stat found{};
    if (::fstat(handed.fd, &found) != 0) {
      return fmt::format("{}: descriptor {} is not open", handed.what, handed.fd);
    }
    if (!is_of(handed.kind, found.st_mode)) {
      return fmt::format("{}: descriptor {} is something else", handed.what, handed.fd);
    }
  }
  return "";
}

void set_inherited(const std::vector<int>& fds, bool inherited) {
  // Of descriptors that are open, this cannot fail.
  for (const int fd : fds) ::fcntl(fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

std::vector<int> numbers_of(const std::vector<HandedFd>& descriptors) {
  std::vector<int> numbers;
  numbers.reserve(descriptors.size());
  for (const HandedFd& handed : descriptors) numbers.push_back(handed.fd);
  return numbers;
}

}  // namespace reeve::supervisor
