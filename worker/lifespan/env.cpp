// Env: typed access to the environment.

#include <fmt/format.h>

#include <cstdlib>
#include <limits>
#include <utility>

#include "ipc/base/byte_size.hpp"
#include "ipc/base/text.hpp"
#include "reeve/environment.hpp"
#include "worker/lifespan/variable_value.hpp"

namespace reeve {
namespace {

constexpr std::size_t kMostShown = 64;

std::optional<std::string> value_of(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

[[noreturn]] void complain(std::string_view name, std::string_view expected,
                           std::string_view found) {
  throw ConfigError(fmt::format("{}: expected {}, found \"{}\"", name, expected,
                                ipc::printable(found, kMostShown)));
}

/// What `read` makes of the value; an empty one is none.
template <class Read>
auto convert(std::string_view name, VariableType type, Read read)
    -> decltype(read(std::string_view{})) {
  const auto text = value_of(name);
  if (!text || text->empty()) return std::nullopt;
  auto value = read(*text);
  if (!value) complain(name, worker::wanted(type), *text);
  return value;
}

}  // namespace

void Env::read(std::string_view name, std::optional<std::string>& to) { to = value_of(name); }

void Env::read(std::string_view name, std::optional<Secret>& to) {
  if (auto text = value_of(name)) to.emplace(std::move(*text));
}

void Env::read(std::string_view name, std::optional<bool>& to) {
  to = convert(name, VariableType::Bool, worker::read_bool);
}

void Env::read(std::string_view name, std::optional<std::int64_t>& to) {
  to = convert(name, VariableType::Whole, worker::read_whole);
}

void Env::read(std::string_view name, std::optional<int>& to) {
  using Limits = std::numeric_limits<int>;
  const auto whole = get<std::int64_t>(name);
  if (!whole) return;
  if (*whole < Limits::min() || *whole > Limits::max()) {
    complain(name, fmt::format("a whole number from {} to {}", Limits::min(), Limits::max()),
             std::to_string(*whole));
  }
  to = static_cast<int>(*whole);
}

void Env::read(std::string_view name, std::optional<double>& to) {
  to = convert(name, VariableType::Number, worker::read_number);
}

void Env::read(std::string_view name, std::optional<std::chrono::milliseconds>& to) {
  to = convert(name, VariableType::Duration, worker::read_duration);
}

void Env::read(std::string_view name, std::optional<ByteSize>& to) {
  to = convert(name, VariableType::Bytes, [](std::string_view text) -> std::optional<ByteSize> {
    const auto bytes = ipc::parse_byte_size(text);
    if (!bytes) return std::nullopt;
    return ByteSize{*bytes};
  });
}

void Env::read(std::string_view name, std::optional<std::vector<std::string>>& to) {
  if (const auto text = value_of(name)) to = worker::read_list(*text);
}

void Env::complain_missing(std::string_view name) {
  throw ConfigError(fmt::format(
      "{}: not set; set it in env or env_file of [pool.NAME], in the .env file or in the shell",
      name));
}

}  // namespace reeve
