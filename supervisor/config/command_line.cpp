#include "supervisor/config/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "ipc/base/nearest.hpp"
#include "ipc/version.hpp"

namespace reeve::supervisor {
namespace {

constexpr char kUsage[] = "Usage: reeve COMMAND [OPTIONS]\n";
constexpr char kRunUsage[] = R"(Usage: reeve run -c FILE
       reeve run [--listen ADDR]... [--workers N] [--ready RULE] -- COMMAND [ARGUMENT]...
)";
constexpr char kCheckUsage[] = "Usage: reeve check -c FILE\n";

constexpr char kRunExamples[] = R"(Examples:
  reeve run -c configs/hello.toml
  reeve run --listen :8000 --workers 4 -- uvicorn app:app --fd 3
  reeve run --workers 2 --ready log=connected -- ./consumer --queue jobs

The listeners are fd 3, 4, ... of each worker, in the order given (LISTEN_FDS).
TERM stops gracefully, HUP rereads FILE. Exit codes: 0 stopped cleanly, 1 a worker had
to be killed, 2 bad command line or configuration, 3 a pool is FATAL
(on_fatal = "exit"), 4 another master is running.)";

constexpr char kCheckExamples[] = R"(Example:
  reeve check -c configs/hello.toml

Exit codes: 0 no error, 2 errors.)";

constexpr std::array<std::string_view, 3> kCommands{"run", "check", "version"};
constexpr std::array<std::string_view, 5> kRunOptions{"--config", "--listen", "--workers",
                                                      "--ready", "--help"};

/// CLI11's help text under a usage line of our own: it knows nothing of what follows "--".
class Formatter : public CLI::Formatter {
 public:
  explicit Formatter(std::string usage) : usage_(std::move(usage)) {}
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override {
    return usage_;
  }

 private:
  std::string usage_;
};

/// A parser for what stands before "--". CLI11 reports by exceptions, which end in this file.
class Parser {
 public:
  Parser() {
    app_.require_subcommand(0, 1);
    app_.group("Commands");  // Its commands inherit the heading.
    app_.set_version_flag("--version", version(), "Print the version and exit");
    app_.formatter(std::make_shared<Formatter>(kUsage));
    app_.footer("`reeve COMMAND --help` tells more. `reevectl` controls what runs.");
    add_run();
    check_ = app_.add_subcommand("check", "Report every error in a configuration; start nothing");
    check_->formatter(std::make_shared<Formatter>(kCheckUsage));
    check_->footer(kCheckExamples);
    add_config_option(*check_);
    version_ = app_.add_subcommand("version", "Print the version");
  }

  static std::string version() { return fmt::format("reeve {}", ipc::kVersion); }

  std::expected<Command, std::string> parse(std::vector<std::string> arguments,
                                            const std::vector<std::string>* command) {
    std::ranges::reverse(arguments);  // CLI11 takes them from the back.
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForHelp&) {
      return ShowText{app_.help()};
    } catch (const CLI::CallForVersion&) {
      return ShowText{version() + "\n"};
    } catch (const CLI::ExtrasError&) {
      return unexpected_argument(command);
    } catch (const CLI::ParseError& error) {
      return refuse(error.what());
    }
    return chosen(command);
  }

 private:
  void add_run() {
    run_ = app_.add_subcommand("run", "Run the pools of a configuration, or one command as a pool");
    run_->formatter(std::make_shared<Formatter>(kRunUsage));
    run_->footer(kRunExamples);
    add_config_option(*run_);
    run_->add_option("--listen", quick_.listen,
                     "HOST:PORT, :PORT, [::]:PORT or unix:/PATH; repeatable")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    run_->add_option("--workers", quick_.workers, "How many, or \"cores\"; 1 by default")
        ->type_name("N");
    run_->add_option("--ready", quick_.ready,
                     "When a worker is ready: started (the default), notify\n"
                     "(it says READY=1), after=2s, or log=REGEX (it prints it)")
        ->type_name("RULE");
  }

  void add_config_option(CLI::App& app) {
    app.add_option("-c,--config", path_, "The configuration")->type_name("FILE");
  }

  std::expected<Command, std::string> chosen(const std::vector<std::string>* command) {
    if (command && !run_->parsed()) return refuse("only `reeve run` takes a command after \"--\"");
    if (run_->parsed()) return run(command);
    if (version_->parsed()) return ShowText{version() + "\n"};
    if (!check_->parsed()) return refuse("which command? run, check or version");
    if (path_.empty()) return refuse("which file? `reeve check -c FILE`");
    return CheckFile{path_};
  }

  std::expected<Command, std::string> run(const std::vector<std::string>* command) {
    const bool quick =
        command || run_->count("--listen") + run_->count("--workers") + run_->count("--ready") > 0;
    if (!quick && !path_.empty()) return RunFile{path_};
    if (quick && !path_.empty()) {
      return refuse(
          "-c cannot be combined with --listen, --workers, --ready or a command: the file says all "
          "of that");
    }
    if (!command || command->empty()) {
      return refuse(
          "what is to run? Give a file, `reeve run -c FILE`, or a command, "
          "`reeve run --listen ADDR --workers N -- COMMAND`");
    }
    quick_.command = *command;
    return RunQuick{quick_};
  }

  [[nodiscard]] std::unexpected<std::string> unexpected_argument(
      const std::vector<std::string>* command) const {
    const std::string argument = app_.remaining(true).front();
    std::string text = fmt::format("unexpected argument \"{}\"", argument);
    if (run_->parsed() && argument.starts_with('-')) {
      text += ipc::did_you_mean(argument, kRunOptions);
    } else if (run_->parsed() && !command) {
      text += "; a command goes after \"--\"";
    } else if (app_.get_subcommands().empty()) {
      text += ipc::did_you_mean(argument, kCommands);
    }
    return refuse(text);
  }

  [[nodiscard]] std::unexpected<std::string> refuse(const std::string& text) const {
    const char* help = run_->parsed()     ? "reeve run --help"
                       : check_->parsed() ? "reeve check --help"
                                          : "reeve --help";
    return std::unexpected(fmt::format("{} (`{}` tells more)", text, help));
  }

  CLI::App app_{"A prefork supervisor: runs programs as pools of workers.", "reeve"};
  CLI::App* run_ = nullptr;
  CLI::App* check_ = nullptr;
  CLI::App* version_ = nullptr;
  std::string path_;
  QuickOptions quick_;
};

}  // namespace

std::expected<Command, std::string> parse_command_line(const std::vector<std::string>& arguments) {
  // The command is not ours to parse: it may have options, subcommand names and a "--" of its own.
  const auto dashes = std::ranges::find(arguments, "--");
  const std::vector<std::string> ours(arguments.begin(), dashes);
  if (dashes == arguments.end()) return Parser().parse(ours, nullptr);
  const std::vector<std::string> command(dashes + 1, arguments.end());
  return Parser().parse(ours, &command);
}

}  // namespace reeve::supervisor
