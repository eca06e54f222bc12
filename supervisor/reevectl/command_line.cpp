#include "supervisor/reevectl/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string_view>
#include <utility>

#include "ipc/base/duration.hpp"
#include "ipc/base/nearest.hpp"
#include "ipc/base/text.hpp"
#include "ipc/version.hpp"
#include "supervisor/reevectl/line_words.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Request;

constexpr char kWatch[] = "30s";
constexpr char kNames[] = "A pool (web, web: or web:*), a slot of it (web:0), or all";
constexpr char kExamples[] = R"(Examples:
  reevectl status
  reevectl restart web          rolling: returns when the new generation serves
  reevectl deploy web --canary 1 --watch 30s
  reevectl why web:0
  reevectl                      reads commands, one per line

`reevectl help COMMAND` tells more.
Exit codes: 0 done, 1 refused or failed, 2 bad command line, 4 connection refused
or no permission, 7 the named process, or the master, is not running. For status:
3 something is not running, 4 no master or no such name.)";

constexpr char kConfigNames[] = "-c,--config,--configuration";
constexpr char kSocketNames[] = "-s,--socket,--serverurl";

/// What supervisorctl has and Reeve does not need.
struct NotTaken {
  const char* names;
  std::string_view instead;
};
constexpr std::array kNotTaken = {
    NotTaken{"-u,--username", "there is no user"},
    NotTaken{"-p,--password", "there is no password"},
    NotTaken{"-r,--history-file", "the shell's history is kept while it runs"},
};
constexpr std::string_view kProtection =
    "the control socket has mode 0600, and only root and the master's user may use it";

bool takes_a_value(std::string_view option) {
  const std::string all = fmt::format(",{},{},", kConfigNames, kSocketNames);
  return all.contains(fmt::format(",{},", option));
}

/// "signal HUP web:0" in one argument is as good as in three: supervisorctl joins them.
std::expected<std::vector<std::string>, std::string> split_command(
    std::vector<std::string> arguments) {
  for (auto word = arguments.begin(); word != arguments.end(); ++word) {
    if (takes_a_value(*word)) {
      if (++word == arguments.end()) break;
    } else if (!word->starts_with('-')) {
      const auto words = split_words(*word);
      if (!words) return std::unexpected(words.error());
      arguments.insert(arguments.erase(word), words->begin(), words->end());
      break;
    }
  }
  return arguments;
}

/// CLI11 reports by exceptions, which end in this file.
class Parser {
 public:
  Parser() {
    app_.name("reevectl");
    app_.set_version_flag("--version", fmt::format("reevectl {}", ipc::kVersion),
                          "Print the version of reevectl and exit");
    app_.fallthrough();  // `reevectl status --json` is as good as `reevectl --json status`.
    app_.require_subcommand(0, 1);
    app_.footer(kExamples);
    app_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    app_.group("Commands");  // Its commands inherit the heading.
    app_.add_option(kConfigNames, ask_.config_path, "The master's configuration")
        ->type_name("FILE");
    app_.add_option(kSocketNames, ask_.socket, "The master's control socket")->type_name("SOCKET");
    app_.add_flag("-i,--interactive", ask_.interactive, "After the command, read more of them");
    for (const NotTaken& option : kNotTaken) {
      app_.add_option(option.names, not_taken_)->group("")->expected(0, 1);
    }
    app_.add_flag("--json", ask_.json, "Print the master's reply as JSON");
    add_commands();
  }

  std::expected<Command, std::string> parse(std::vector<std::string> arguments) {
    std::ranges::reverse(arguments);  // CLI11 takes them from the back.
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      const auto parsed = app_.get_subcommands();
      return parsed.empty() ? ShowText{app_.help()} : help_on(parsed.front()->get_name());
    } catch (const CLI::CallForVersion&) {
      return ShowText{fmt::format("reevectl {}\n", ipc::kVersion)};
    } catch (const CLI::ExtrasError&) {
      return unexpected_argument();
    } catch (const CLI::RequiredError& error) {
      return refuse(which(error.what()));
    } catch (const CLI::ParseError& error) {
      return refuse(fmt::format("{}; see `reevectl{} --help`", error.what(), command_word()));
    }
    for (const NotTaken& option : kNotTaken) {
      const std::string name(option.names, 2);
      if (app_.count(name) == 0) continue;
      return refuse(fmt::format("{} is not taken: {}; {}", name, option.instead, kProtection));
    }
    return chosen();
  }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands({})) names.push_back(command->get_name());
    return names;
  }

 private:
  void add_commands() {
    CLI::App& status =
        named(Method::Status, "status", "Show the workers: all, or those named", false);
    CLI::Option* lifespan = status.add_flag("--lifespan", request().lifespan,
                                            "What each has opened, and how long it took");
    status.add_flag("--schedule", request().schedule, "The scheduled jobs: next and last runs")
        ->excludes(lifespan);
    named(Method::Start, "start", "Start, and wait until ready", true);
    named(Method::Stop, "stop", "Drain, then stop", true);
    CLI::App& restart =
        named(Method::Restart, "restart", "Roll to new workers without losing a request", true);
    restart.add_flag("--hard", request().hard, "Stop first, then start");
    add_wait(restart);
    add_scale();
    add_signal();
    named(Method::Pid, "pid", "The master's pid, or those of the workers named", false);
    add_tail();
    named(Method::Clear, "clear", "Forget the past output of workers", true);
    add_deployment();
    named(Method::Why, "why", "Why the last workers died: all, or those named", false)
        .add_flag("--full", request().full, "All that is known, every stack of every thread too");
    command(Method::Events, "events", "Show what happens, until interrupted");
    add_configuration();
    command(Method::Upgrade, "upgrade", "Replace the master by its new binary; workers stay");
    command(Method::Shutdown, "shutdown", "Stop every worker, then the master");
    command(Method::Version, "version", "The master's version");

    help_ = app_.add_subcommand("help", "Tell more about a command");
    argument(*help_, "COMMAND", help_topic_, "One of the others");
  }

  CLI::App& command(Method method, const std::string& name, const std::string& what) {
    CLI::App* added = app_.add_subcommand(name, what);
    added->footer("");
    added->callback([this, method] { request().method = method; });
    return *added;
  }

  /// An argument without a dash; CLI11 would show its type beside its name.
  template <class T>
  static CLI::Option& argument(CLI::App& command, const char* name, T& to, const char* what) {
    return *command.add_option(name, to, what)->type_name("");
  }

  /// A command that takes NAMEs.
  CLI::App& named(Method method, const std::string& name, const std::string& what, bool required) {
    CLI::App& added = command(method, name, what);
    argument(added, "NAME", request().names, kNames).required(required);
    return added;
  }

  void add_scale() {
    CLI::App& scale = command(Method::Scale, "scale", "Change how many workers a pool has");
    add_pool(scale);
    argument(scale, "N", count_, "N workers, +N more or -N fewer").required();
  }

  void add_signal() {
    CLI::App& signal = command(Method::Signal, "signal", "Send a signal to workers");
    argument(signal, "SIGNAL", request().signal, "HUP, SIGHUP or 1").required();
    argument(signal, "NAME", request().names, kNames).required();
  }

  void add_tail() {
    constexpr char kFollow[] = "Follow: show more as it comes, until interrupted";
    CLI::App& tail = command(Method::Tail, "tail", "Show the last output of a worker");
    tail.add_flag("-f,--follow", request().more, kFollow);
    // "-1600" has the form of a number, so it arrives among the names.
    argument(
        tail, "NAME", tail_words_,
        "A slot, or a pool; -BYTES before it: how many of the last bytes of each. \"stdout\" or "
        "\"stderr\" behind it change nothing: both are shown")
        .required();
    CLI::App& maintail = command(Method::Maintail, "maintail", "Show the end of the master's log");
    maintail.add_flag("-f,--follow", request().more, kFollow);
    argument(maintail, "BYTES", tail_words_, "-BYTES: how many of the last bytes");
  }

  void add_deployment() {
    CLI::App& deploy =
        command(Method::Deploy, "deploy", "Reread a pool's configuration and roll to it");
    add_pool(deploy);
    deploy.add_option("--canary", request().canary, "How many new workers to watch first")
        ->type_name("N")
        ->check(CLI::Range(1, ipc::control::kMaxScale));
    deploy.add_option("--watch", watch_, "How long to watch, such as 30s (the default) or 2m")
        ->type_name("TIME");
    add_wait(deploy);
    CLI::App& rollback =
        command(Method::Rollback, "rollback", "Return a pool to its previous configuration");
    add_pool(rollback);
    add_wait(rollback);
    add_pool(command(Method::Rehearse, "rehearse",
                     "Run one worker through its whole life, off-traffic"));
  }

  void add_configuration() {
    constexpr char kPools[] = "A pool of the configuration";
    command(Method::Reread, "reread", "Show what differs between the file and what runs");
    CLI::App& update = command(Method::Update, "update",
                               "Put those differences into force: for all pools, or those named");
    argument(update, "POOL", request().names, kPools);
    add_wait(update);
    CLI::App& add = command(Method::Add, "add", "Start pools that are new in the file");
    argument(add, "POOL", request().names, kPools).required();
    CLI::App& remove = command(Method::Remove, "remove", "Forget stopped pools");
    argument(remove, "POOL", request().names, "A pool that is stopped").required();
    command(Method::Avail, "avail", "Every pool of the file, and whether it is in use");
    command(Method::Reload, "reload", "Reread the configuration; roll what changed");
  }

  void add_pool(CLI::App& added) { argument(added, "POOL", pool_, "The pool").required(); }

  void add_wait(CLI::App& added) {
    added.add_flag("--wait", request().wait,
                   "When another deployment is running, wait for it instead of failing");
  }

  Request& request() { return ask_.request; }

  std::expected<Command, std::string> chosen() {
    if (help_->parsed()) return help_on(help_topic_);
    if (app_.get_subcommands().empty()) return Shell{ask_.config_path, ask_.socket, ask_.json};
    switch (request().method) {
      case Method::Scale:
        return scale();
      case Method::Tail:
      case Method::Maintail:
        return tail();
      case Method::Deploy:
        return deploy();
      case Method::Rollback:
      case Method::Rehearse:
        request().names = {pool_};
        return streaming();
      default:
        return streaming();
    }
  }

  /// A command that may take long asks the master to tell how it goes.
  std::expected<Command, std::string> streaming() {
    request().more = ipc::control::traits(request().method).streams;
    return ask_;
  }

  std::expected<Command, std::string> deploy() {
    request().names = {pool_};
    if (request().canary == 0) {
      if (watch_.empty()) return streaming();
      return refuse("deploy: --watch is for a canary; add --canary N");
    }
    const auto watch = ipc::parse_duration(watch_.empty() ? kWatch : watch_);
    if (!watch || *watch <= ipc::Duration::zero() || *watch > std::chrono::hours(24)) {
      return refuse(fmt::format(
          "deploy: \"{}\" is not a time to watch; write one up to 24h, as 30s or 1m30s", watch_));
    }
    request().watch = std::chrono::duration_cast<std::chrono::milliseconds>(*watch);
    return streaming();
  }

  std::expected<Command, std::string> scale() {
    request().names = {pool_};
    request().scale = ipc::control::parse_scale(count_);
    if (request().scale) return ask_;
    return refuse(
        fmt::format("scale: \"{}\" is not a number of workers; write N, +N or -N, at most {}",
                    count_, ipc::control::kMaxScale));
  }

  std::expected<Command, std::string> tail() {
    for (const std::string& word : tail_words_) {
      if (!word.starts_with('-')) {
        request().names.push_back(word);
      } else if (const auto bytes = ipc::parse_number<std::size_t>(word.substr(1))) {
        request().bytes = *bytes;
      } else {
        return refuse(fmt::format("tail: \"{}\" is not a number of bytes", word));
      }
    }
    if (request().method == Method::Maintail) {
      if (request().names.empty()) return ask_;
      return refuse(
          "maintail shows the master's log and takes no name; for a worker use `reevectl "
          "tail NAME`");
    }
    std::vector<std::string>& names = request().names;
    // supervisorctl has a log for each stream; here one has both.
    if (names.size() == 2 && (names[1] == "stdout" || names[1] == "stderr")) names.pop_back();
    if (names.size() == 1) return ask_;
    return refuse("tail: which process? reevectl tail [-f] [-BYTES] NAME");
  }

  std::expected<Command, std::string> help_on(const std::string& topic) {
    if (topic.empty()) return ShowText{Parser().app_.help()};  // Ours is about what was parsed.
    for (const CLI::App* command : app_.get_subcommands({})) {
      if (command->get_name() == topic) return ShowText{command->help("reevectl")};
    }
    return refuse(unknown(topic));
  }

  /// " start", once that much is known.
  [[nodiscard]] std::string command_word() const {
    const auto parsed = app_.get_subcommands();
    return parsed.empty() ? "" : " " + parsed.front()->get_name();
  }

  /// "start: which process? reevectl start NAME…", of "NAME is required".
  [[nodiscard]] std::string which(std::string_view is_required) const {
    struct Question {
      std::string_view missing;
      std::string_view text;
    };
    constexpr std::array kQuestions = {
        Question{"NAME", "which process?"}, Question{"POOL", "which pool?"},
        Question{"SIGNAL", "which signal?"}, Question{"N", "how many workers?"}};
    const std::string_view missing = is_required.substr(0, is_required.find(' '));
    const auto* known = std::ranges::find(kQuestions, missing, &Question::missing);
    const auto parsed = app_.get_subcommands();
    if (known == kQuestions.end() || parsed.empty()) {
      return fmt::format("{}; see `reevectl{} --help`", is_required, command_word());
    }
    std::string usage;
    for (const CLI::Option* option : parsed.front()->get_options(
             [](const CLI::Option* each) { return each->get_positional(); })) {
      const bool several = option->get_expected_max() > 1;
      usage += fmt::format(" {}{}", option->get_single_name(), several ? "…" : "");
    }
    const std::string command = parsed.front()->get_name();
    return fmt::format("{}: {} reevectl {}{}", command, known->text, command, usage);
  }

  [[nodiscard]] std::unexpected<std::string> unexpected_argument() const {
    const std::string argument = app_.remaining(true).front();
    if (app_.get_subcommands().empty() && !argument.starts_with('-')) {
      return refuse(unknown(argument));
    }
    return refuse(fmt::format("unexpected argument \"{}\"; see `reevectl{} --help`", argument,
                              command_word()));
  }

  [[nodiscard]] std::string unknown(const std::string& word) const {
    const std::vector<std::string> known = names();
    std::vector<std::string_view> candidates(known.begin(), known.end());
    // What ends something is not to be a typing error away.
    std::erase_if(candidates, [](std::string_view command) {
      return command == "stop" || command == "shutdown" || command == "remove";
    });
    return fmt::format("no command \"{}\"{}; `reevectl help` lists them", word,
                       ipc::did_you_mean(word, candidates));
  }

  [[nodiscard]] static std::unexpected<std::string> refuse(std::string why) {
    return std::unexpected(std::move(why));
  }

  CLI::App app_{"Control what a reeve master runs."};
  CLI::App* help_ = nullptr;
  std::string help_topic_;
  std::string pool_;
  std::string count_;  // For scale.
  std::string watch_;  // For deploy.
  std::string not_taken_;
  std::vector<std::string> tail_words_;
  Ask ask_;
};

}  // namespace

std::expected<Command, std::string> parse_command_line(std::vector<std::string> arguments) {
  auto words = split_command(std::move(arguments));
  if (!words) return std::unexpected(words.error());
  return Parser().parse(*std::move(words));
}

std::vector<std::string> command_names() { return Parser().names(); }

}  // namespace reeve::supervisor::ctl
