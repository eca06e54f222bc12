#include "worker/process/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>

namespace reeve::worker {
namespace {

spdlog::sink_ptr make_sink(Log::Style style) {
  if (style == Log::Style::Supervised) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

spdlog::level::level_enum to_spdlog(Log::Level level) {
  switch (level) {
    case Log::Level::Debug:
      return spdlog::level::debug;
    case Log::Level::Info:
      return spdlog::level::info;
    case Log::Level::Warning:
      return spdlog::level::warn;
    case Log::Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

/// A master cannot see a level in a line of text: the word says it.
std::string_view prefix(Log::Level level) {
  switch (level) {
    case Log::Level::Debug:
    case Log::Level::Info:
      return "";
    case Log::Level::Warning:
      return "warning: ";
    case Log::Level::Error:
      return "error: ";
  }
  return "";
}

}  // namespace

Log::Log(Style style) : logger_(std::make_unique<spdlog::logger>("", make_sink(style))) {
  logger_->set_pattern(style == Style::Supervised ? "%v" : "%H:%M:%S.%e %^%v%$");
  logger_->flush_on(spdlog::level::trace);
}

Log::~Log() = default;

void Log::write(Level level, std::string_view line) {
  std::string text(prefix(level));
  text += redactor_.redact(line);
  logger_->log(to_spdlog(level), text);
}

}  // namespace reeve::worker
