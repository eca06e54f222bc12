#include "supervisor/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "ipc/base/unix_address.hpp"
#include "supervisor/config/cores.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::string_view kNameLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// The longest name among the sockets that the master makes in its runtime directory.
constexpr std::string_view kLongestSocket = "/control.sock";

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

void read_mode(const Cell& cell, std::optional<std::uint32_t>& to) {
  constexpr std::int64_t kMost = 0777;
  std::int64_t mode = -1;
  if (const auto* number = std::get_if<std::int64_t>(&cell.value().data)) {
    mode = *number;
  } else if (const auto* text = std::get_if<std::string>(&cell.value().data)) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), mode, 8);
    if (error != std::errc{} || end != text->data() + text->size()) mode = -1;
  }
  if (mode < 0 || mode > kMost) {
    return cell.expected("permissions in octal, from \"0000\" to \"0777\", such as \"0660\"");
  }
  to = static_cast<std::uint32_t>(mode);
}

void read_owner(const Cell& cell, std::string& to) {
  const auto text = cell.text("a name or a number as a string");
  if (!text) return;
  if (text->empty() || text->contains(':')) return cell.expected("one name or number as a string");
  to = *text;
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

namespace {

/// Whether a path, or what it is a link to, is a terminal's, a pipe's or another device's, of which
/// nothing is ever renamed.
bool leads_to_device(std::filesystem::path path) {
  constexpr int kMostLinks = 8;
  for (int i = 0; i < kMostLinks; ++i) {
    path = path.lexically_normal();
    const std::string& text = path.native();
    if (text.starts_with("/dev/") || text.starts_with("/proc/")) return true;
    std::error_code no_link;
    const auto target = std::filesystem::read_symlink(path, no_link);
    if (no_link) return false;
    path = path.parent_path() / target;
  }
  return false;
}

}  // namespace

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
  } else if (leads_to_device(*path)) {
    cell.refuse(
        fmt::format("{} is a device, and no file that can be rotated; use \"stderr\", which may be "
                    "a terminal or a pipe",
                    in_quotes(*path)));
  } else {
    to = *path;
  }
}

}  // namespace reeve::supervisor::config
