#pragma once
// The runtime's own log: lines on stderr, written at once. Under a master they are plain, since it
// adds the time and the slot; alone they carry a time, and colours on a terminal. Secrets that its
// redactor knows are not in them. Any thread.

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "worker/lifespan/redactor.hpp"

namespace spdlog {
class logger;
}

namespace reeve::worker {

class Log {
 public:
  enum class Style : std::uint8_t { Supervised, Alone };
  enum class Level : std::uint8_t { Info, Warning, Error };

  explicit Log(Style style);
  ~Log();

  void write(Level level, std::string_view line);

  /// Knows what must not be logged, nor told to others.
  [[nodiscard]] Redactor& redactor() { return redactor_; }

  template <class... Args>
  void info(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::Info, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void warning(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::Warning, fmt::format(text, std::forward<Args>(args)...));
  }
  template <class... Args>
  void error(fmt::format_string<Args...> text, Args&&... args) {
    write(Level::Error, fmt::format(text, std::forward<Args>(args)...));
  }

 private:
  Redactor redactor_;
  std::unique_ptr<spdlog::logger> logger_;
};

}  // namespace reeve::worker
