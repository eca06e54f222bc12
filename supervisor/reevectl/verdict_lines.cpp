#include "supervisor/reevectl/verdict_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Verdict;

/// What a person reads for a code of the master. Others are read as they are: "roll_failed" as
/// "roll failed".
struct Wording {
  std::string_view code;
  std::string_view words;
};
constexpr std::array kWordings = {
    Wording{"rolled", "restarted"},
    Wording{"shutdown", "Shut down"},
    Wording{"busy", "another command is at work"},
    Wording{"bad_signal", "bad signal name"},
};

std::string words_for(Method method, const std::string& code) {
  if (code == "rolled" && method == Method::Deploy) return "deployed";
  if (code == "rolled" && method == Method::Rollback) return "rolled back";
  const auto* known = std::ranges::find(kWordings, code, &Wording::code);
  if (known != kWordings.end()) return std::string(known->words);
  std::string words = code;
  std::ranges::replace(words, '_', ' ');
  return words;
}

}  // namespace

std::string verdict_lines(Method method, const Verdict& verdict) {
  const std::string words = words_for(method, verdict.code);
  std::string text = verdict.name.empty() ? "" : verdict.name + ": ";
  text += verdict.ok ? words : fmt::format("ERROR ({})", words);

  std::string_view rest = verdict.text;
  for (std::string_view separator = verdict.ok ? "; " : ": "; !rest.empty(); separator = "\n  ") {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += separator;
    text += rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return text + '\n';
}

}  // namespace reeve::supervisor::ctl
