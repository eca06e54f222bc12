#include "supervisor/reevectl/render_pools.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "supervisor/reevectl/exit_codes.hpp"
#include "supervisor/reevectl/verdict_lines.hpp"

namespace reeve::supervisor::ctl {
namespace {

using ipc::control::Method;
using ipc::control::Verdict;

struct Words {
  Method method;
  std::string_view code;
  std::string_view text;  ///< {} is the pool's name
};

// A changed pool is rolled, not stopped: of it there is no "stopped", as supervisorctl would say.
constexpr std::array kDone = {
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
};
constexpr std::array kRefused = {
    Words{Method::Update, "no_such_process", "ERROR: no such group: {}"},
    Words{Method::Add, "no_such_process", "ERROR: no such process/group: {}"},
    Words{Method::Add, "already_added", "ERROR: process group already active"},
    Words{Method::Remove, "no_such_process", "ERROR: no such process/group: {}"},
    Words{Method::Remove, "still_running", "ERROR: process/group still running: {}"},
};

/// Empty when supervisorctl has no words for it.
template <std::size_t N>
std::string_view find_words(const std::array<Words, N>& words, Method method,
                            std::string_view code) {
  const auto* found = std::ranges::find_if(
      words, [&](const Words& each) { return each.method == method && each.code == code; });
  return found == words.end() ? "" : found->text;
}

std::string line_of(Method method, const Verdict& verdict) {
  const std::string_view words = verdict.ok ? find_words(kDone, method, verdict.code)
                                            : find_words(kRefused, method, verdict.code);
  if (words.empty()) return verdict_lines(method, verdict);
  std::string line = fmt::format(fmt::runtime(words), verdict.name);
  // supervisorctl's line stays as it is, for scripts that know it: what it lacks stands below.
  const bool has_reason = !verdict.text.empty() && method != Method::Avail;
  if (has_reason) line += (verdict.ok ? "; " : "\n  ") + verdict.text;
  return line + '\n';
}

}  // namespace

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
