#include "supervisor/listen/listeners.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ipc/listener.hpp"

namespace reeve::supervisor {
namespace {

ipc::Result<SharedListener> adopt(const ListenerConfig& config,
                                  std::vector<ipc::NamedFd>& adopted) {
  const auto found = std::ranges::find(adopted, config.address.path, &ipc::NamedFd::name);
  if (found == adopted.end()) {
    return ipc::failure(
        fmt::format("listen.{}: systemd passed no socket named \"{}\"; is it the "
                    "FileDescriptorName= of a socket "
                    "unit, and was that started?",
                    config.name, config.address.path));
  }
  [[maybe_unused]] const bool tolerated = ipc::send_at_once(found->fd.get());  // Unix has no such.
  auto listener = std::make_shared<Listener>(config, std::move(found->fd));
  adopted.erase(found);
  return listener;
}

/// Workers that serve from one kind of socket cannot be moved to the other.
std::unexpected<ipc::Error> refuse_other_sockets(const Listener& listener) {
  const bool shared = listener.config().sockets == Sockets::Shared;
  return ipc::failure(
      fmt::format("listen.{}.sockets cannot change while the address stays (where it is not set, "
                  "`ready` of its pools decides); nothing was changed. Set it to \"{}\", as it is "
                  "now, or change the address too, or restart the master",
                  listener.name(), shared ? "shared" : "per-worker"));
}

/// An address in use may be so by another listener of this master, which stays while workers use
/// it.
ipc::Error name_ourselves(ipc::Error error, const ListenerConfig& config,
                          const ListenerSet& open_now) {
  if (error.code != EADDRINUSE) return error;
  const auto ours = std::ranges::find_if(open_now, [&config](const SharedListener& listener) {
    const ipc::Address& other = listener->config().address;
    return covers(other, config.address) || covers(config.address, other);
  });
  if (ours == open_now.end()) return error;
  error.text = fmt::format(
      "listen.{}: cannot listen on {}: this master itself has {}, as listen.{}; nothing was "
      "changed. Take another port, or restart the master",
      config.name, to_string(config.address), (*ours)->address(), (*ours)->name());
  return error;
}

ipc::Result<SharedListener> open_one(const ListenerConfig& config, const ListenerSet& open_now,
                                     std::vector<ipc::NamedFd>& adopted) {
  const auto find_one = [&](auto fits) {
    return std::ranges::find_if(open_now, [&](const SharedListener& listener) {
      return listener->name() == config.name && listener->config().address == config.address &&
             fits(*listener);
    });
  };
  auto current = find_one([](const Listener& listener) { return !listener.path_is_lost(); });
  if (current == open_now.end()) {
    current = find_one([](const Listener& listener) { return !listener.path_is_gone(); });
  }
  if (current != open_now.end()) {
    if ((*current)->config().sockets != config.sockets) return refuse_other_sockets(**current);
    return *current;
  }
  if (config.address.kind == ipc::Address::Kind::Systemd) return adopt(config, adopted);
  auto listener = std::make_shared<Listener>(config);
  if (auto opened = listener->open(); !opened) {
    return std::unexpected(name_ourselves(opened.error(), config, open_now));
  }
  return listener;
}

}  // namespace

Listener::Listener(State state)
    : state_(std::move(state)), fd_(std::exchange(state_.fd, ipc::kNoFd)) {
  if (state_.steered) steered_ = std::make_shared<SteeredAddress>(*std::move(state_.steered));
  state_.steered.reset();
}

Listener::State Listener::state() const {
  State state = state_;
  state.fd = fd_.get();
  if (steered_ != nullptr) state.steered = steered_->state();
  return state;
}

ipc::Result<> Listener::open() {
  if (is_open()) return {};
  const auto opened = open_at(state_.bound ? *state_.bound : state_.config.address);
  if (!opened) {
    return std::unexpected(
        ipc::Error{fmt::format("listen.{}: {}", state_.config.name, opened.error().text),
                   opened.error().code});
  }
  state_.path_is_ours = true;
  if (has_file()) state_.file = ipc::file_id(state_.config.address.path);
  if (auto given = apply_access(); !given) {
    close();
    return given;
  }
  // What port 0 has become. The kernel's word always parses; were it not so, the address stays as
  // it is.
  if (auto real = ipc::parse_address(address())) state_.bound = std::move(*real);
  return {};
}

ipc::Result<> Listener::open_at(const ipc::Address& where) {
  if (state_.config.sockets == Sockets::PerWorker) {
    auto reserved = SteeredAddress::reserve(where, state_.config.backlog);
    if (!reserved) return std::unexpected(reserved.error());
    steered_ = std::make_shared<SteeredAddress>(std::move(*reserved));
  } else {
    // No process must find the file with wider permissions, for however short a time.
    const auto& mode = state_.config.mode;
    const mode_t before = ::umask(0);
    ::umask(mode ? ~*mode & 0777U : before);
    auto opened = ipc::open_listener(where, state_.config.backlog);
    ::umask(before);
    if (!opened) return std::unexpected(opened.error());
    ipc::let_accept_wait(opened->get());
    fd_ = std::move(*opened);
  }
  return {};
}

void Listener::close() {
  if (state_.adopted || !is_open()) return;
  remove_path();
  fd_.reset();
  if (steered_ != nullptr) steered_->let_go();
  steered_.reset();
}

std::vector<int> Listener::sockets() const {
  if (steered_ != nullptr) return steered_->listening();
  return fd_ ? std::vector{fd_.get()} : std::vector<int>{};
}

bool Listener::has_file() const {
  const ipc::Address& address = state_.config.address;
  return address.kind == ipc::Address::Kind::Unix && !address.path.starts_with('@');
}

void Listener::remove_path() {
  const bool is_another = path_is_lost();
  // Once: later somebody else may have bound it.
  if (std::exchange(state_.path_is_ours, false) && has_file() && !is_another) {
    ::unlink(state_.config.address.path.c_str());
  }
}

bool Listener::path_is_gone() const {
  return path_is_lost() && !ipc::file_id(state_.config.address.path);
}

bool Listener::path_is_lost() const {
  if (!state_.path_is_ours || !has_file()) return false;
  const auto now = ipc::file_id(state_.config.address.path);
  // A master of an older version has not told which file it was.
  return !now || (state_.file && now != state_.file);
}

ipc::Result<> Listener::set_access(const ListenerConfig& changed) {
  ListenerConfig& config = state_.config;
  config.mode = changed.mode;
  config.owner = changed.owner;
  config.group = changed.group;
  config.uid = changed.uid;
  config.gid = changed.gid;
  return state_.path_is_ours && !path_is_lost() ? apply_access() : ipc::Result<>();
}

ipc::Result<> Listener::apply_access() const {
  const ListenerConfig& config = state_.config;
  constexpr std::uint32_t kAsItIs = ~0U;
  const char* const path = config.address.path.c_str();
  if (!has_file()) return {};
  if ((config.uid || config.gid) &&
      ::lchown(path, config.uid.value_or(kAsItIs), config.gid.value_or(kAsItIs)) != 0) {
    return ipc::failure(fmt::format(
        "listen.{}: cannot give {} to {}:{}: {}; only root can, and others to a group of theirs",
        config.name, path, config.owner, config.group, ipc::errno_text(errno)));
  }
  if (config.mode && ::chmod(path, *config.mode) != 0) {
    return ipc::failure(fmt::format("listen.{}: cannot give {} the mode {:04o}: {}", config.name,
                                    path, *config.mode, ipc::errno_text(errno)));
  }
  return {};
}

std::string Listener::address() const {
  if (fd_) return ipc::local_address(fd_.get());
  if (steered_ != nullptr) return ipc::to_string(steered_->address());
  return ipc::to_string(state_.bound ? *state_.bound : state_.config.address);
}

void Listener::set_backlog(int backlog) {
  if (backlog == state_.config.backlog) return;
  state_.config.backlog = backlog;
  if (fd_) ::listen(fd_.get(), backlog);  // Cannot fail on a socket that listens already.
  if (steered_ != nullptr) steered_->set_backlog(backlog);
}

ipc::Result<ListenerSet> open_listeners(const std::vector<ListenerConfig>& configs,
                                        const ListenerSet& open_now,
                                        std::vector<ipc::NamedFd>& adopted) {
  ListenerSet listeners;
  for (const ListenerConfig& config : configs) {
    auto listener = open_one(config, open_now, adopted);
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

SharedListener find_listener(const ListenerSet& listeners, const std::string& name) {
  const auto found = std::ranges::find_if(
      listeners, [&name](const SharedListener& listener) { return listener->name() == name; });
  return found == listeners.end() ? nullptr : *found;
}

std::size_t HandedListeners::place_of(const Listener& listener) {
  const auto found = std::ranges::find(known_, &listener);
  const auto place = static_cast<std::size_t>(found - known_.begin());
  if (found == known_.end()) known_.push_back(&listener);
  return place;
}

std::vector<WorkerSocket::State> HandedListeners::places_of(
    const WorkerSockets& worker_sockets) const {
  std::vector<WorkerSocket::State> places;
  for (const WorkerSocket& worker_socket : worker_sockets) {
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const auto& address = known_[i]->steered();
      if (address == nullptr || !worker_socket.is_at(address)) continue;
      places.push_back({.listener = i, .member = worker_socket.member()});
    }
  }
  return places;
}

std::vector<Listener::State> HandedListeners::states() const {
  std::vector<Listener::State> states;
  for (const Listener* listener : known_) states.push_back(listener->state());
  return states;
}

ListenerSet adopt_listeners(const std::vector<Listener::State>& states) {
  ListenerSet listeners;
  for (const auto& state : states) listeners.push_back(std::make_shared<Listener>(state));
  return listeners;
}

WorkerSockets adopt_worker_sockets(const std::vector<WorkerSocket::State>& states,
                                   const ListenerSet& listeners) {
  WorkerSockets worker_sockets;
  for (const WorkerSocket::State& state : states) {
    worker_sockets.emplace_back(listeners[state.listener]->steered(), state);
  }
  return worker_sockets;
}

}  // namespace reeve::supervisor
