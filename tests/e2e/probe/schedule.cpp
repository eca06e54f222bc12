#include "tests/e2e/probe/schedule.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>

namespace reeve::probe {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

milliseconds milliseconds_in(const char* variable) {
  const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread so far.
  return milliseconds(value != nullptr ? std::atoi(value) : 0);
}

/// The files of all workers.
class Book {
 public:
  explicit Book(const std::string& directory)
      : ticks_(open(directory + "/ticks")), beats_(open(directory + "/beats")) {}
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;
  ~Book() {
    ::close(ticks_);
    ::close(beats_);
  }

  void tick(const ScheduledRun& run) const { write(ticks_, run); }
  void beat(const ScheduledRun& run) const { write(beats_, run); }

 private:
  static int open(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), path);
    return fd;
  }
  static void write(int fd, const ScheduledRun& run) {
    const std::string line =
        fmt::format("{} {} {}\n", run.due().time_since_epoch().count(), run.fence(), ::getpid());
    if (::write(fd, line.data(), line.size()) < 0) {
      throw std::system_error(errno, std::generic_category(), "the book of " + run.name());
    }
  }

  int ticks_;
  int beats_;
};

}  // namespace

void add_schedule(App& app) {
  const milliseconds period = milliseconds_in("PROBE_SCHEDULE_MS");
  if (period == 0ms) return;
  const char* directory = std::getenv("PROBE_SCHEDULE_DIR");  // NOLINT(concurrency-mt-unsafe)
  app.resource<Book>("book", [directory = std::string(directory != nullptr ? directory : ".")] {
    return std::make_unique<Book>(directory);
  });
  // A run that is due while the master is slow to grant the one before is no reason to skip it.
  constexpr ScheduleOptions kMakesUp{
      .scope = ScheduleScope::One, .coalesce = false, .max_instances = 32, .misfire_grace = 30s};
  app.schedule(
      "tick", every(period),
      [takes = milliseconds_in("PROBE_SCHEDULE_TAKE_MS")](ScheduledRun& run, Book& book) -> Task<> {
        if (takes > 0ms) co_await sleep_for(takes);
        book.tick(run);
      },
      kMakesUp);
  app.schedule("beat", every(period), [](ScheduledRun& run, Book& book) { book.beat(run); },
               {.scope = ScheduleScope::Each});
}

}  // namespace reeve::probe
