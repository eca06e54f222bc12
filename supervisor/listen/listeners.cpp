#include "supervisor/listen/listeners.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
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

ipc::Result<SharedListener> open_one(const ListenerConfig& config, const ListenerSet& open_now,
                                     std::vector<ipc::NamedFd>& adopted) {
  const auto current = std::ranges::find_if(open_now, [&config](const SharedListener& listener) {
    return listener->name() == config.name && listener->config().address == config.address;
  });
  if (current != open_now.end()) {
    if ((*current)->config().sockets != config.sockets) return refuse_other_sockets(**current);
    return *current;
  }
  if (config.address.kind == ipc::Address::Kind::Systemd) return adopt(config, adopted);
  auto listener = std::make_shared<Listener>(config);
  if (auto opened = listener->open(); !opened) return std::unexpected(opened.error());
  return listener;
}

}  // namespace

ipc::Result<> Listener::open() {
  if (is_open()) return {};
  const auto opened = open_at(bound_ ? *bound_ : config_.address);
  if (!opened) {
    return ipc::failure(fmt::format("listen.{}: {}", config_.name, opened.error().text));
  }
  path_is_ours_ = true;
  // What port 0 has become. The kernel's word always parses; were it not so, the address stays as
  // it is.
  if (auto real = ipc::parse_address(address())) bound_ = std::move(*real);
  return {};
}

ipc::Result<> Listener::open_at(const ipc::Address& where) {
  if (config_.sockets == Sockets::PerWorker) {
    auto reserved = SteeredAddress::reserve(where, config_.backlog);
    if (!reserved) return std::unexpected(reserved.error());
    steered_ = std::make_shared<SteeredAddress>(std::move(*reserved));
  } else {
    auto opened = ipc::open_listener(where, config_.backlog);
    if (!opened) return std::unexpected(opened.error());
    fd_ = std::move(*opened);
  }
  return {};
}

void Listener::close() {
  if (adopted_ || !is_open()) return;
  remove_path();
  fd_.reset();
  if (steered_ != nullptr) steered_->let_go();
  steered_.reset();
}

std::vector<int> Listener::sockets() const {
  if (steered_ != nullptr) return steered_->listening();
  return fd_ ? std::vector{fd_.get()} : std::vector<int>{};
}

void Listener::remove_path() {
  const std::string& path = config_.address.path;
  const bool has_path = config_.address.kind == ipc::Address::Kind::Unix && !path.starts_with('@');
  // Once: later somebody else may have bound it.
  if (has_path && std::exchange(path_is_ours_, false)) ::unlink(path.c_str());
}

std::string Listener::address() const {
  if (fd_) return ipc::local_address(fd_.get());
  if (steered_ != nullptr) return ipc::to_string(steered_->address());
  return ipc::to_string(bound_ ? *bound_ : config_.address);
}

void Listener::set_backlog(int backlog) {
  if (backlog == config_.backlog) return;
  config_.backlog = backlog;
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

}  // namespace reeve::supervisor
