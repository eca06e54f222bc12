#include "tests/e2e/harness/reeve.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "ipc/control/client.hpp"
#include "tests/e2e/harness/programs.hpp"
#include "tests/e2e/harness/sockets.hpp"

namespace reeve::e2e {
namespace {

constexpr std::string_view kSupervisor = R"([supervisor]
name = "test"
runtime_dir = "@dir@/run"

)";

constexpr std::string_view kListener = R"([listen.http]
address = "systemd:http"

)";

void write_configuration(std::string_view toml, const TempDir& dir) {
  std::string text;
  if (!toml.contains("[supervisor]")) text += kSupervisor;
  if (!toml.contains("[listen.")) text += kListener;
  text += toml;
  // In one step: a master that rereads it at this moment finds the old one or the new one.
  std::filesystem::rename(dir.write("reeve.toml.new", expand(text, dir)), dir / "reeve.toml");
}

ipc::NotifySocket open_notify_socket(const TempDir& dir) {
  auto socket = ipc::NotifySocket::open((dir / "notify.sock").string());
  if (!socket) throw std::runtime_error(socket.error().text);
  return std::move(*socket);
}

Command command_for(const TempDir& dir, std::string_view toml, Environment env, std::string program,
                    ipc::UniqueFd listener) {
  write_configuration(toml, dir);
  if (program.empty()) program = binary("reeve");
  Command command{.argv = {std::move(program), "run", "-c", (dir / "reeve.toml").string()},
                  .env = std::move(env)};
  command.env.emplace_back("NOTIFY_SOCKET", (dir / "notify.sock").string());
  command.listeners.push_back({"http", std::move(listener)});
  return command;
}

ipc::control::Reply no_answer(std::string why) {
  ipc::control::Reply reply;
  reply.error = std::move(why);
  return reply;
}

/// A name for the output files of one more reevectl.
std::string next_ctl_name() {
  static std::atomic<int> count = 0;
  return fmt::format("reevectl-{}", ++count);
}

}  // namespace

Reeve::Reeve(const TempDir& dir, std::string_view toml, Environment env, std::string program)
    : Reeve(dir, toml, std::move(env), std::move(program), listen_on_loopback()) {}

Reeve::Reeve(const TempDir& dir, std::string_view toml, Environment env, std::string program,
             ipc::UniqueFd listener)
    : dir_(dir),
      port_(port_of(listener.get())),
      notify_(open_notify_socket(dir)),
      master_(command_for(dir, toml, std::move(env), std::move(program), std::move(listener)), dir,
              "reeve") {}

void Reeve::configure(std::string_view toml) const { write_configuration(toml, dir_); }

bool Reeve::ready(Milliseconds patience) {
  return notifies([](const ipc::WorkerMessage& message) { return message.ready; }, patience);
}

std::optional<ipc::WorkerMessage> Reeve::next_message(Milliseconds patience) {
  for (;;) {
    if (auto received = notify_.receive()) {
      if (received->pid == master_.pid()) return received->message;
      continue;
    }
    std::array<pollfd, 2> wait = {{{notify_.fd(), POLLIN, 0}, {master_.watch().fd(), POLLIN, 0}}};
    const int events = ::poll(wait.data(), wait.size(), static_cast<int>(patience.count()));
    if (events <= 0 || (wait[0].revents & POLLIN) == 0) return std::nullopt;
  }
}

std::uint16_t Reeve::port_in_log() const {
  const std::string text = log();
  constexpr std::string_view kBefore = "listening on http 127.0.0.1:";
  const auto found = text.find(kBefore);
  if (found == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::stoi(text.substr(found + kBefore.size())));
}

Connection Reeve::connect() const {
  auto connection = Connection::open(port_);
  if (!connection)
    throw std::runtime_error("connect: " + std::string(to_string(connection.error())));
  return std::move(*connection);
}

std::string Reeve::control_socket() const { return (dir_ / "run/control.sock").string(); }

Finished Reeve::ctl(std::vector<std::string> words) const {
  const auto process = start_ctl(std::move(words));
  const auto exit = process->wait(3 * kPatience);
  return {exit, process->output(), process->errors()};
}

std::unique_ptr<Process> Reeve::start_ctl(std::vector<std::string> words) const {
  words.insert(words.begin(), {binary("reevectl"), "-s", control_socket()});
  return std::make_unique<Process>(Command{.argv = std::move(words)}, dir_, next_ctl_name());
}

ipc::control::Reply Reeve::ask(const ipc::control::Request& request) const {
  auto client = ipc::control::Client::connect(control_socket());
  if (!client) return no_answer(client.error().text);
  auto reply = client->call(request);
  if (!reply) return no_answer(reply.error().text);
  return std::move(*reply);
}

std::vector<ipc::control::Process> Reeve::status() const {
  return ask({}).processes;  // A request asks for the status unless it says otherwise.
}

ipc::control::Process Reeve::slot(std::string_view name) const {
  auto all = status();
  const auto found = std::ranges::find_if(all, [name](const ipc::control::Process& each) {
    return each.name == name || fmt::format("{}:{}", each.pool, each.slot) == name;
  });
  return found == all.end() ? ipc::control::Process{} : std::move(*found);
}

std::vector<int> Reeve::pids() const {
  std::vector<int> result;
  for (const auto& each : status()) result.push_back(each.pid);
  return result;
}

int Reeve::count(std::string_view state) const {
  return static_cast<int>(std::ranges::count(status(), state, &ipc::control::Process::state));
}

bool Reeve::becomes(std::string_view name, std::string_view state, Milliseconds patience) const {
  return eventually([&] { return slot(name).state == state; }, patience);
}

std::string Reeve::log() const { return master_.errors(); }

bool Reeve::logs(std::string_view text, Milliseconds patience) const {
  // Reads on where it stopped: a flooded log is megabytes long.
  std::ifstream file(dir_ / "reeve.err", std::ios::binary);
  std::string window;
  const auto appears = [&] {
    file.clear();
    std::ostringstream fresh;
    if (file.peek() != std::ifstream::traits_type::eof()) fresh << file.rdbuf();
    window += fresh.view();
    if (window.contains(text)) return true;
    window.erase(0, window.size() - std::min(window.size(), text.size()));
    return false;
  };
  return eventually(appears, patience);
}

std::optional<Exit> Reeve::stop(Milliseconds patience) {
  master_.signal(SIGTERM);
  return master_.wait(patience);
}

}  // namespace reeve::e2e
