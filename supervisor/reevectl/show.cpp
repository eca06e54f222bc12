// Alone it prints the master's replies, so that rendering stays pure.

#include "supervisor/reevectl/show.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "supervisor/reevectl/render.hpp"

namespace reeve::supervisor::ctl {

int show(const Ask& ask, const ipc::control::Reply& reply) {
  const Rendering rendering = render(ask.request, reply);
  if (ask.json) {
    fmt::print("{}\n", ipc::control::encode(reply));
  } else {
    fmt::print("{}", rendering.output);
    fmt::print(stderr, "{}", rendering.errors);
  }
  std::fflush(stdout);  // `tail -f` in a pipe shows each line as it comes.
  return rendering.exit_code;
}

void complain(const std::string& text) { fmt::print(stderr, "reevectl: {}\n", text); }

}  // namespace reeve::supervisor::ctl
