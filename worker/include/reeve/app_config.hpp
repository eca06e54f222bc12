#pragma once
// The service's own part of the master's configuration: [pool.NAME.app], handed over untouched and
// read here by dotted keys. Without a master it is empty, so that defaults apply. Any thread.
//
//   const auto config = reeve::AppConfig::from_environment();
//   const auto url = config.require<std::string>("database.url");
//   const int size = config.get_or("database.size", 8);

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reeve/config_error.hpp"

namespace reeve::ipc::document {
struct Value;
}

namespace reeve {

/// T, the type that is read, is one of std::string, bool, int, std::int64_t, double (also of a
/// whole number), std::chrono::milliseconds (of a string such as "1m30s"),
/// std::vector<std::string>.
///
/// Every mistake of the operator is a ConfigError that names the key: `app.database.size:
/// expected a whole number, found the string "eight"`. Thrown while a resource opens, it is what
/// the log says of the failed start.
class AppConfig {
 public:
  /// What the master has handed over; throws when it is not TOML.
  [[nodiscard]] static AppConfig from_environment();
  /// The same of a text: for tests.
  [[nodiscard]] static AppConfig parse(std::string_view toml);

  /// Nothing when there is no such key; throws when its value is not a T.
  template <class T>
  [[nodiscard]] std::optional<T> get(std::string_view key) const;

  /// Throws when there is no such key.
  template <class T>
  [[nodiscard]] T require(std::string_view key) const {
    if (auto value = get<T>(key)) return std::move(*value);
    complain_missing(key);
  }

  /// The fallback when there is no such key; throws when its value is not a T.
  template <class T>
  [[nodiscard]] T get_or(std::string_view key, T fallback) const {
    auto value = get<T>(key);
    return value ? std::move(*value) : std::move(fallback);
  }
  /// The same for a literal.
  [[nodiscard]] std::string get_or(std::string_view key, const char* fallback) const {
    return get_or<std::string>(key, fallback);
  }

  /// There is a value, or a table, of this name.
  [[nodiscard]] bool has(std::string_view key) const;

 private:
  explicit AppConfig(std::shared_ptr<const ipc::document::Value> root) : root_(std::move(root)) {}
  [[nodiscard]] const ipc::document::Value* find(std::string_view key) const;
  [[noreturn]] static void complain_missing(std::string_view key);

  std::shared_ptr<const ipc::document::Value> root_;
};

}  // namespace reeve
