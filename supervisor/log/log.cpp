#include "supervisor/log/log.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <sys/stat.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "ipc/base/counted.hpp"
#include "ipc/format/json_fields.hpp"
#include "supervisor/log/output.hpp"

namespace reeve::supervisor {
namespace {

class OutputSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  /// `tail` also gets each line, uncoloured; null: nobody does.
  OutputSink(Output& output, bool colours, TailBuffer* tail)
      : output_(output), colours_(colours), tail_(tail) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (tail_ != nullptr && line.size() > 0) tail_->append({line.data(), line.size() - 1});
    if (!colours_ || message.color_range_end <= message.color_range_start) {
      output_.write({line.data(), line.size()});
      return;
    }
    const std::string_view text(line.data(), line.size());
    const std::size_t begin = message.color_range_start;
    const std::size_t end = message.color_range_end;
    output_.write(fmt::format("{}\033[{}m{}\033[0m{}", text.substr(0, begin), colour(message.level),
                              text.substr(begin, end - begin), text.substr(end)));
  }
  void flush_() override { output_.flush(); }

  static std::string_view colour(spdlog::level::level_enum level) {
    if (level >= spdlog::level::err) return "1;31";
    if (level == spdlog::level::warn) return "33";
    return level == spdlog::level::info ? "32" : "2";
  }

  Output& output_;
  bool colours_;
  TailBuffer* tail_;
};

/// "<6>": the priority that sd-daemon(3) reads from the start of a line.
class JournalPriority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& line) override {
    const char priority = message.level >= spdlog::level::err    ? '3'
                          : message.level == spdlog::level::warn ? '4'
                          : message.level == spdlog::level::info ? '6'
                                                                 : '7';
    const char mark[] = {'<', priority, '>'};
    line.append(mark, mark + sizeof(mark));
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalPriority>();
  }
};

struct Patterns {
  const char* master;
  const char* workers;
};

Patterns patterns(LogFormat format, LineStyle style) {
  static constexpr char kJson[] = R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l",%v})";
  if (format == LogFormat::Json) return {kJson, R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z",%v})"};
  switch (style) {
    case LineStyle::Plain:
      return {"%Y-%m-%d %H:%M:%S.%e %-7l %v", "%Y-%m-%d %H:%M:%S.%e %v"};
    case LineStyle::Terminal:
      return {"%H:%M:%S.%e %^%-7l%$ %v", "%H:%M:%S.%e %v"};
    case LineStyle::Journal:
      return {"%*%v", "%*%v"};
  }
  return {};
}

std::unique_ptr<spdlog::logger> make_logger(Output& output, const char* pattern, bool colours,
                                            TailBuffer* tail) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JournalPriority>('*').set_pattern(pattern);
  auto sink = std::make_shared<OutputSink>(output, colours, tail);
  sink->set_formatter(std::move(formatter));
  auto logger = std::make_unique<spdlog::logger>("reeve", std::move(sink));
  logger->set_level(spdlog::level::trace);
  return logger;
}

/// Both have the same levels in the same order; spdlog has one below.
spdlog::level::level_enum to_spdlog(LogLevel level) {
  static_assert(static_cast<int>(LogLevel::Error) + 1 == spdlog::level::err);
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level) + 1);
}

/// Each process its own colour, the same one for ever, so that an eye can follow it.
int colour_of(std::string_view process) {
  constexpr int kColours[] = {36, 35, 34, 32, 33, 96, 95, 94};
  return kColours[std::hash<std::string_view>{}(process) % std::size(kColours)];
}

}  // namespace

LineStyle line_style_for(int fd, bool is_terminal) {
  if (is_terminal) return LineStyle::Terminal;
  // systemd.exec(5): device and inode of what stderr was connected to. They differ after a
  // redirection.
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  if (stream == nullptr || ::fstat(fd, &info) != 0) return LineStyle::Plain;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream ? LineStyle::Journal
                                                                  : LineStyle::Plain;
}

Log::Log(Output& output, LogFormat format, LineStyle style, LogLevel level)
    : output_(output), format_(format), descriptor_style_(style), level_(level) {
  set_style(style);
  output.on_growing([this](const std::string& file, int error) {
    warn("{}: cannot be rotated: {}; it grows on", file, ipc::errno_text(error));
  });
  output.on_dropped([this](std::uint64_t lines, std::string_view why) {
    warn("{} of the log {} dropped: {}", ipc::counted(lines, "line"), lines == 1 ? "was" : "were",
         why);
  });
}

Log::~Log() = default;

void Log::set_level(LogLevel level) {
  level_ = level;
  master_->set_level(to_spdlog(level));
}

void Log::set_style(LineStyle style) {
  style_ = style;
  const Patterns pattern = patterns(format_, style);
  const bool colours = style == LineStyle::Terminal && format_ == LogFormat::Text;
  master_ = make_logger(output_, pattern.master, colours, &tail_);
  workers_ = make_logger(output_, pattern.workers, false, nullptr);
  set_level(level_);
}

ipc::Result<> Log::follow(const SupervisorConfig& config) {
  const LogFile::Rules rules{.max_size = config.log_max_size, .keep = config.log_keep};
  if (config.log_to.empty()) {
    longest_line_ = config.log_max_line;
    if (output_.file() != nullptr) set_style(descriptor_style_);
    output_.use_descriptor();
    return {};
  }
  if (LogFile* file = output_.file(); file != nullptr && file->path() == config.log_to) {
    longest_line_ = config.log_max_line;
    file->set_rules(rules);
    return {};
  }
  auto file = LogFile::open(config.log_to, rules);
  if (!file) {
    return ipc::failure(fmt::format(
        "supervisor.log.to: cannot {}; name a file that the master can write", file.error().text));
  }
  longest_line_ = config.log_max_line;
  output_.use_file(std::move(*file));
  set_style(LineStyle::Plain);
  return {};
}

void Log::reopen() {
  LogFile* file = output_.file();
  if (file == nullptr) {
    info("the log goes to stderr, there is no file to reopen");
  } else if (auto opened = file->reopen(); !opened) {
    warn("cannot {}; the log goes on in the old file", opened.error().text);
  } else {
    info("reopened {}", file->path());
  }
}

void Log::write(LogLevel level, std::string_view text) {
  if (format_ == LogFormat::Json) {
    master_->log(to_spdlog(level), fmt::format("\"message\":{}", ipc::json_string(text)));
  } else {
    master_->log(to_spdlog(level), text);
  }
}

void Log::worker_line(const LineSource& from, std::string_view line) {
  if (format_ == LogFormat::Json) {
    workers_->info(R"("process":{},"pool":{},"slot":{},"stream":"{}","line":{})",
                   ipc::json_string(from.process), ipc::json_string(from.pool), from.slot,
                   from.stream == Stream::Stderr ? "stderr" : "stdout", ipc::json_string(line));
  } else if (style_ == LineStyle::Terminal) {
    workers_->info("\033[{}m{}\033[0m | {}\033[0m", colour_of(from.process), from.process, line);
  } else {
    workers_->info("{} | {}", from.process, line);
  }
}

}  // namespace reeve::supervisor
