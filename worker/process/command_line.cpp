#include "worker/process/command_line.hpp"

#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace reeve::worker {
namespace {

constexpr std::string_view kListen = "--listen";

std::expected<ipc::Address, std::string> parse_listen(std::string_view text) {
  auto address = ipc::parse_address(text);
  if (!address) return std::unexpected(fmt::format("--listen: {}", address.error().text));
  if (address->kind == ipc::Address::Kind::Systemd) {
    return std::unexpected("--listen: inherited sockets are used by themselves, without an option");
  }
  return std::move(*address);
}

}  // namespace

std::expected<CommandLine, std::string> parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    std::optional<std::string_view> address;
    if (argument == "--help" || argument == "-h") {
      line.help = true;
    } else if (argument == kListen && i + 1 < arguments.size()) {
      address = arguments[++i];
    } else if (argument == kListen) {
      return std::unexpected("--listen needs an address, as in --listen 127.0.0.1:8000");
    } else if (argument.starts_with(kListen) && argument[kListen.size()] == '=') {
      address = argument.substr(kListen.size() + 1);
    } else {
      return std::unexpected(fmt::format("unknown argument \"{}\" (see --help)", argument));
    }
    if (!address) continue;
    auto parsed = parse_listen(*address);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    line.listen.push_back(std::move(*parsed));
  }
  return line;
}

std::string usage(const std::string& program) {
  return fmt::format(
      "Usage: {} [--listen ADDRESS]...\n"
      "\n"
      "  --listen ADDRESS  serve on this address; may be repeated. 127.0.0.1:8000, [::]:8000,\n"
      "                    unix:/run/app.sock. Not needed under reeve or systemd, which pass "
      "sockets.\n"
      "  -h, --help        this text\n"
      "\n"
      "TERM or INT drains and stops; a second one, or QUIT, stops without waiting for requests.\n"
      "Exit codes: 0 stopped, 2 bad usage; of a start that failed: 69 a resource, 70 an error of "
      "the\n"
      "program, 71 the system, 75 a resource was not open in time, 78 the environment or the\n"
      "configuration, 79 threads or sockets that were there too early.\n",
      program);
}

}  // namespace reeve::worker
