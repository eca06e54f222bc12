#pragma once
// What a program expects of its environment variables: declared once, checked all at once in the
// first phase of the lifespan, read by their types afterwards. It refuses to be a configuration
// system: for more than a handful of values there is [pool.NAME.app], see AppConfig.
//
//   app.environment({.file = ".env",
//                    .variables = {{.name = "DATABASE_URL", .required = true, .secret = true},
//                                  {.name = "PORT", .type = reeve::VariableType::Port,
//                                   .fallback = "8080"}}});
//   ...
//   const auto url = reeve::Env::require<reeve::Secret>("DATABASE_URL");
//   const int port = reeve::Env::require<int>("PORT");

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reeve/config_error.hpp"
#include "reeve/secret.hpp"

namespace reeve {

/// An amount of memory or storage.
struct ByteSize {
  std::uint64_t bytes = 0;  ///< in all
  auto operator<=>(const ByteSize&) const = default;
};

/// What the value of a variable looks like, and the T of Env::get<T>() that reads it.
enum class VariableType : std::uint8_t {
  Text,      ///< anything: std::string, Secret
  Bool,      ///< true, yes, on, 1; false, no, off, 0; in any case: bool
  Whole,     ///< 42, -1: int, std::int64_t
  Number,    ///< 0.5, 42: double
  Port,      ///< 1 to 65535: int
  Duration,  ///< 250ms, 30s, 1m30s: std::chrono::milliseconds
  Bytes,     ///< 4096, 512MiB, 1GB: ByteSize
  List,  ///< a,b,c; blanks around the items and empty items do not count: std::vector<std::string>
};

/// One variable that the program reads.
struct Variable {
  std::string name;                        ///< as the environment has it: "DATABASE_URL"
  VariableType type = VariableType::Text;  ///< what is checked before anything opens
  /// The value where the variable is not set. For types other than Text and List also where it is
  /// empty.
  std::optional<std::string> fallback{};
  /// Must be set and not empty in the end, or the worker does not start.
  bool required = false;
  /// The value is shown nowhere: not in an error about it, and as "***" in whatever else the
  /// runtime logs, tells the master or shows in /health. Values of less than four bytes cannot be
  /// told from other text, and are not looked for.
  bool secret = false;
};

/// Applied in this order; a variable that is set already always wins.
struct Environment {
  /// A file of NAME=value lines, `#` comments and optional quotes; worker/docs/start.md has all of
  /// it. Empty: none. A missing file is skipped.
  std::string file{};
  /// Names and values of those that are set neither in the environment nor by the file.
  std::vector<std::pair<std::string, std::string>> defaults{};
  /// Must be set and not empty in the end, or the worker does not start.
  std::vector<std::string> required{};
  /// Names of variables that are secret, as with Variable::secret.
  std::vector<std::string> secrets{};
  /// Full declarations, for variables that need more than a name.
  std::vector<Variable> variables{};
};

/// The variables of this process, by type: see VariableType for each T and how it is written. An
/// empty value counts as not set, except for std::string, Secret and std::vector<std::string>,
/// where it is an empty one.
///
/// A mistake is a ConfigError that names the variable: `PORT: expected a whole number, found
/// "eighty"`. Thrown while a resource opens, it ends the start with App::BadConfiguration. Any
/// thread, once App::run() has begun: nothing may call setenv(3) from then on.
class Env {
 public:
  /// Nothing when it is not set; throws ConfigError when its value is not a T.
  template <class T>
  [[nodiscard]] static std::optional<T> get(std::string_view name) {
    std::optional<T> value;
    read(name, value);
    return value;
  }

  /// Throws ConfigError when it is not set.
  template <class T = std::string>
  [[nodiscard]] static T require(std::string_view name) {
    if (auto value = get<T>(name)) return std::move(*value);
    complain_missing(name);
  }

  /// The fallback when it is not set; throws ConfigError when its value is not a T.
  template <class T>
  [[nodiscard]] static T get_or(std::string_view name, T fallback) {
    auto value = get<T>(name);
    return value ? std::move(*value) : std::move(fallback);
  }
  /// The same for a literal.
  [[nodiscard]] static std::string get_or(std::string_view name, const char* fallback) {
    return get_or<std::string>(name, fallback);
  }

 private:
  static void read(std::string_view name, std::optional<std::string>& to);
  static void read(std::string_view name, std::optional<Secret>& to);
  static void read(std::string_view name, std::optional<bool>& to);
  static void read(std::string_view name, std::optional<int>& to);
  static void read(std::string_view name, std::optional<std::int64_t>& to);
  static void read(std::string_view name, std::optional<double>& to);
  static void read(std::string_view name, std::optional<std::chrono::milliseconds>& to);
  static void read(std::string_view name, std::optional<ByteSize>& to);
  static void read(std::string_view name, std::optional<std::vector<std::string>>& to);
  [[noreturn]] static void complain_missing(std::string_view name);
};

}  // namespace reeve
