#include "supervisor/reevectl/shell.hpp"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include "ipc/control/client.hpp"
#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/line_reader.hpp"
#include "supervisor/reevectl/run.hpp"
#include "supervisor/reevectl/socket_path.hpp"

namespace reeve::supervisor::ctl {
namespace {

constexpr std::chrono::seconds kCompletionWaits{1};

bool is_end(const std::string& word) { return word == "exit" || word == "quit"; }

/// In a child of its own, which Ctrl-C ends, as in `tail -f`, while the shell stays.
void perform_apart(const Ask& ask) {
  std::fflush(stdout);
  struct sigaction before{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGINT, &ignore, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    ::sigaction(SIGINT, &before, nullptr);
    const int code = run(ask);
    std::fflush(stdout);
    ::_exit(code);
  }
  if (child < 0) complain(fmt::format("fork: {}", ipc::errno_text(errno)));
  int status = 0;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::sigaction(SIGINT, &before, nullptr);
  if (child > 0 && WIFSIGNALED(status)) fmt::print("\n");
}

bool confirms_shutdown() {
  if (!is_terminal()) return true;
  fmt::print("Really shut the master and its workers down y/N? ");
  std::fflush(stdout);
  char answer[16] = {};
  return std::fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/// Pools and processes that run, for completion; nothing when the master does not say.
std::vector<std::string> known_names(const Shell& shell) {
  std::vector<std::string> names{"all"};
  const auto socket = find_socket(shell.socket, shell.config_path);
  if (!socket) return names;
  auto client = ipc::control::Client::connect(*socket);
  if (!client || !client->limit_wait(kCompletionWaits)) return names;
  const auto reply = client->call({});
  if (!reply) return names;
  for (const ipc::control::Process& process : reply->processes) {
    const std::string pool = process.name.substr(0, process.name.find(':'));
    if (std::ranges::find(names, pool) == names.end()) names.push_back(pool);
    if (process.name != pool) names.push_back(process.name);
  }
  return names;
}

Completion complete_line(const Shell& shell, std::string_view line) {
  std::vector<std::string> commands = command_names();
  commands.insert(commands.end(), {"exit", "quit"});
  return complete(line, commands, known_names(shell));
}

void perform_line(const Shell& shell, std::vector<std::string> words) {
  const auto command = parse_command_line(std::move(words));
  if (!command) return complain(command.error());
  if (const auto* text = std::get_if<ShowText>(&*command)) {
    put(text->text);
    return;
  }
  const auto* line = std::get_if<Ask>(&*command);
  if (!line) return complain("which command? `help` lists them");
  Ask ask = *line;
  if (ask.config_path.empty() && ask.socket.empty()) {
    ask.config_path = shell.config_path;
    ask.socket = shell.socket;
  }
  ask.json = ask.json || shell.json;
  const bool ends_it = ask.request.method == ipc::control::Method::Shutdown;
  if (!ends_it || confirms_shutdown()) perform_apart(ask);
}

}  // namespace

int run_shell(const Shell& shell) {
  if (is_terminal()) perform_line(shell, {"status"});
  const auto reader =
      make_line_reader([&shell](std::string_view line) { return complete_line(shell, line); });
  while (const auto line = reader->next()) {
    auto words = split_words(*line);
    if (!words) {
      complain(words.error());
    } else if (!words->empty()) {
      if (is_end(words->front())) break;
      perform_line(shell, std::move(*words));
    }
  }
  return exit_code::kSuccess;
}

}  // namespace reeve::supervisor::ctl
