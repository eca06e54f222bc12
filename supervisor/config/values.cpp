#include "supervisor/config/values.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <string_view>

#include "ipc/base/unix_address.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::string_view kNameLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// The longest name among the sockets that the master makes in its runtime directory.
constexpr std::string_view kLongestSocket = "/control.sock";

int available_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  // Fails on machines with more than CPU_SETSIZE (1024) cores.
  if (::sched_getaffinity(0, sizeof(cores), &cores) != 0) return 1;
  return std::max(1, CPU_COUNT(&cores));
}

}  // namespace

std::string refuse_name(std::string_view name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > kLongestName) {
    return fmt::format("the name is longer than {} characters", kLongestName);
  }
  if (name.find_first_not_of(kNameLetters) != std::string_view::npos) {
    return fmt::format("the name {} may only have letters, digits, \"_\" and \"-\"",
                       in_quotes(name));
  }
  return {};
}

void read_name(const Cell& cell, std::string& to) {
  const auto name = cell.text();
  if (!name) return;
  if (auto why = refuse_name(*name); !why.empty()) return cell.refuse(std::move(why));
  to = *name;
}

void read_exit_codes(const Cell& cell, std::vector<int>& to) {
  constexpr Range<int> kCodes{.least = 0, .most = 255};
  const auto* codes = std::get_if<Array>(&cell.value().data);
  if (!codes) return cell.expected("an array of exit codes, as [0, 3]");
  to.clear();
  for (const Cell& element : cell.elements()) element.read(to.emplace_back(), kCodes);
}

void read_umask(const Cell& cell, std::optional<int>& to) {
  constexpr std::string_view kWanted = "a string of up to four octal digits, as \"027\"";
  const auto* digits = std::get_if<std::string>(&cell.value().data);
  if (!digits || digits->empty() || digits->size() > 4 ||
      digits->find_first_not_of("01234567") != std::string::npos) {
    return cell.expected(kWanted);
  }
  to = std::stoi(*digits, nullptr, 8) & 0777;
}

void read_runtime_dir(const Cell& cell, std::string& to) {
  const auto path = cell.text("a string with an absolute path");
  if (!path) return;
  if (!path->starts_with('/')) {
    return cell.refuse(
        fmt::format("{} is not an absolute path, as \"/run/reeve\" is", in_quotes(*path)));
  }
  if (!ipc::unix_address(*path + std::string(kLongestSocket))) {
    return cell.refuse(fmt::format("{} is too long for the sockets in it; shorten it to 94 bytes",
                                   in_quotes(*path)));
  }
  to = *path;
}

void read_address(const Cell& cell, ipc::Address& to) {
  const auto text = cell.text("a string such as \"127.0.0.1:8000\" or \"unix:/run/app.sock\"");
  if (!text) return;
  auto address = ipc::parse_address(*text);
  if (!address) return cell.refuse(address.error().text);
  to = std::move(*address);
}

void read_command(const Cell& cell, std::vector<std::string>& to) {
  if (std::holds_alternative<std::string>(cell.value().data)) {
    return cell.refuse(
        "expected an array of strings, one a word, as in [\"sleep\", \"60\"]; "
        "no shell reads it");
  }
  auto command = cell.texts();
  if (!command) return;
  if (command->empty()) return cell.refuse("the array is empty; its first string is the program");
  if (command->front().empty()) return cell.refuse("the first string, the program, is empty");
  to = std::move(*command);
}

void read_workers(const Cell& cell, int& to) {
  const auto* word = std::get_if<std::string>(&cell.value().data);
  if (word && *word == "cores") {
    to = available_cores();
  } else {
    cell.read(to, {.least = 0, .most = kMostWorkers}, ", or \"cores\"");
  }
}

void read_log_to(const Cell& cell, std::string& to) {
  const auto path = cell.text("\"stderr\", or a string with an absolute path");
  if (!path) return;
  if (*path == "stderr") {
    to.clear();
  } else if (!path->starts_with('/')) {
    cell.refuse(
        fmt::format("{} is neither \"stderr\" nor an absolute path, as "
                    "\"/var/log/reeve.log\" is",
                    in_quotes(*path)));
  } else {
    to = *path;
  }
}

}  // namespace reeve::supervisor::config
