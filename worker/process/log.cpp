#include "worker/process/log.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <string>

#include "ipc/base/enum_word.hpp"

namespace reeve::worker {
namespace {

spdlog::sink_ptr make_sink(Log::Style style) {
  if (style == Log::Style::Supervised) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

/// A master cannot see a level in a line of text: the word says it.
std::string_view prefix(Log::Level level) {
  return ipc::word_of<Log::Level::Error>(level, {"", "warning: ", "error: "});
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
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::info, spdlog::level::warn,
                                                   spdlog::level::err};
  logger_->log(kLevels[static_cast<std::size_t>(level)], text);
}

}  // namespace reeve::worker
