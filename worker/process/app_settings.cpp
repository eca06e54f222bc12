// What App's setters refuse: settings with which no request could ever be served, told where the
// program makes the mistake.

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "reeve/app.hpp"

namespace reeve {
namespace {

[[noreturn]] void refuse(std::string_view setter, std::string_view what, std::string_view why) {
  throw std::invalid_argument(fmt::format("App::{}(): {}: {}", setter, what, why));
}

}  // namespace

App& App::threads(const ThreadLimits& threads) {
  if (threads.threads == 0) {
    refuse(
        "threads", "threads = 0",
        "nothing that may block could ever run; give at least 1, or leave it out for the default");
  }
  threads_ = threads;
  return *this;
}

App& App::background(const BackgroundLimits& limits) {
  if (limits.at_most == 0) {
    refuse(
        "background", "at_most = 0",
        "Request::background() could never take a task; give at least 1, or leave it out for the "
        "default");
  }
  background_ = limits;
  return *this;
}

App& App::limits(const HttpLimits& limits) {
  const std::array<std::pair<std::string_view, std::size_t>, 5> sizes = {{
      {"request_line_bytes", limits.request_line_bytes},
      {"headers", limits.headers},
      {"header_bytes", limits.header_bytes},
      {"buffered_input_bytes", limits.buffered_input_bytes},
      {"connections", limits.connections},
  }};
  for (const auto& [name, value] : sizes) {
    if (value == 0) {
      refuse("limits", fmt::format("{} = 0", name),
             "no request could ever be read; give at least 1, or leave it out for the default");
    }
  }
  const std::array<std::pair<std::string_view, std::chrono::milliseconds>, 4> times = {{
      {"header_time", limits.header_time},
      {"body_time", limits.body_time},
      {"write_time", limits.write_time},
      {"keep_alive_time", limits.keep_alive_time},
  }};
  for (const auto& [name, value] : times) {
    if (value <= value.zero()) {
      refuse("limits", fmt::format("{} = {} ms", name, value.count()),
             "every client would be late; give more than 0, or leave it out for the default");
    }
  }
  limits_ = limits;
  return *this;
}

}  // namespace reeve
