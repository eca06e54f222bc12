#pragma once
// A time zone of the system's tz database: what its clocks show at an instant, and the reverse.
// Immutable; any thread may read one.

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace reeve::worker {

class Zone {
 public:
  /// What a time on the clocks is. `Skipped`: they never showed it, since they were put forward.
  /// `Repeated`: they showed it twice, since they were put back.
  enum class Kind : std::uint8_t { Unique, Skipped, Repeated };

  struct Instants {
    Kind kind = Kind::Unique;
    std::chrono::sys_seconds first;   ///< Skipped: when the clocks were put forward.
    std::chrono::sys_seconds second;  ///< Repeated: the second time; else the same as `first`.
    std::chrono::seconds gap{};       ///< Skipped: by how much.
  };

  /// The zone of that name; for an empty one that of the process: TZ, else /etc/localtime, else
  /// UTC. The error says what to do.
  [[nodiscard]] static std::expected<Zone, std::string> find(std::string_view name);

  /// "Europe/Berlin"; empty for that of the process.
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::chrono::local_seconds local(std::chrono::sys_seconds instant) const;
  [[nodiscard]] Instants instants(std::chrono::local_seconds local) const;

 private:
  struct Data;
  Zone(std::string name, std::shared_ptr<const Data> data);

  std::string name_;
  std::shared_ptr<const Data> data_;
};

}  // namespace reeve::worker
