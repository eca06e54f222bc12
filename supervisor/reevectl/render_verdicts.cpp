#include "supervisor/reevectl/render_verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ipc/base/text.hpp"
#include "supervisor/reevectl/exit_codes.hpp"

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

struct Words {
  Method method;
  std::string_view code;
  std::string_view text;  ///< {} is the pool's name
};

// A changed pool is rolled, not stopped: of it there is no "stopped", as supervisorctl would say.
constexpr std::array kWords = {
    Words{Method::Reread, "added", "{}: available"},
    Words{Method::Reread, "changed", "{}: changed"},
    Words{Method::Reread, "removed", "{}: disappeared"},
    Words{Method::Update, "added", "{}: added process group"},
    Words{Method::Update, "updated", "{}: updated process group"},
    Words{Method::Update, "removed", "{0}: stopped\n{0}: removed process group"},
    Words{Method::Add, "added", "{}: added process group"},
    Words{Method::Remove, "removed", "{}: removed process group"},
    // Every pool starts with the master, and none has a priority of its own.
    Words{Method::Avail, "in_use", "{:<32} in use    auto      999:999"},
    Words{Method::Avail, "avail", "{:<32} avail     auto      999:999"},
    Words{Method::Update, "no_such_process", "ERROR: no such group: {}"},
    Words{Method::Add, "no_such_process", "ERROR: no such process/group: {}"},
    Words{Method::Add, "already_added", "ERROR: process group already active"},
    Words{Method::Remove, "no_such_process", "ERROR: no such process/group: {}"},
    Words{Method::Remove, "still_running", "ERROR: process/group still running: {}"},
};

/// Empty when supervisorctl has no words for it.
std::string_view find_words(Method method, const Verdict& verdict) {
  const auto* found = std::ranges::find_if(kWords, [&](const Words& each) {
    return each.method == method && each.code == verdict.code;
  });
  return found == kWords.end() ? "" : found->text;
}

std::string line_of(Method method, const Verdict& verdict) {
  const std::string_view words = find_words(method, verdict);
  if (words.empty()) return verdict_lines(method, verdict);
  std::string line = fmt::format(fmt::runtime(words), verdict.name);
  // supervisorctl's line stays as it is, for scripts that know it: what it lacks stands below.
  const bool has_reason = !verdict.text.empty() && method != Method::Avail;
  if (has_reason) line += (verdict.ok ? "; " : "\n  ") + verdict.text;
  return line + '\n';
}

}  // namespace

std::string verdict_lines(Method method, const Verdict& verdict) {
  const std::string words = words_for(method, verdict.code);
  std::string text = verdict.name.empty() ? "" : verdict.name + ": ";
  text += verdict.ok ? words : fmt::format("ERROR ({})", words);

  std::string_view rest = verdict.text;
  for (std::string_view separator = verdict.ok ? "; " : ": "; !rest.empty(); separator = "\n  ") {
    text += separator;
    text += ipc::take_until(rest, '\n');
  }
  return text + '\n';
}

Rendering render_pools(Method method, const std::vector<Verdict>& verdicts, bool more) {
  if (method == Method::Reread && verdicts.empty() && !more) {
    return {.output = "No config updates to processes\n"};
  }
  std::vector<Verdict> sorted = verdicts;
  if (method == Method::Reread) std::ranges::sort(sorted, {}, &Verdict::name);
  Rendering rendering;
  for (const Verdict& verdict : sorted) {
    rendering.output += line_of(method, verdict);
    // Adding what is there already is an error in words only.
    if (!verdict.ok && verdict.code != "already_added") rendering.exit_code = exit_code::kFailure;
  }
  return rendering;
}

}  // namespace reeve::supervisor::ctl
