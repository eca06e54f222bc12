#include "reeve/app_config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <limits>
#include <utility>
#include <variant>

#include "ipc/base/duration.hpp"
#include "ipc/environment.hpp"
#include "ipc/format/document.hpp"

namespace reeve {
namespace {

using ipc::document::Array;
using ipc::document::Entry;
using ipc::document::Table;
using ipc::document::Value;

[[noreturn]] void complain(std::string_view key, std::string_view what) {
  throw ConfigError(fmt::format("app.{}: {}", key, what));
}

[[noreturn]] void mismatch(std::string_view key, std::string_view expected, const Value& found) {
  complain(key, fmt::format("expected {}, found {}", expected, ipc::document::describe(found)));
}

template <std::integral Whole>
void convert(std::string_view key, const Value& value, Whole& to) {
  using Limits = std::numeric_limits<Whole>;
  const auto* number = std::get_if<std::int64_t>(&value.data);
  if (number == nullptr) mismatch(key, "a whole number", value);
  if (!std::in_range<Whole>(*number)) {
    mismatch(key, fmt::format("a whole number from {} to {}", Limits::min(), Limits::max()), value);
  }
  to = static_cast<Whole>(*number);
}

void convert(std::string_view key, const Value& value, std::string& to) {
  const auto* text = std::get_if<std::string>(&value.data);
  if (text == nullptr) mismatch(key, "a string", value);
  to = *text;
}

void convert(std::string_view key, const Value& value, bool& to) {
  const auto* truth = std::get_if<bool>(&value.data);
  if (truth == nullptr) mismatch(key, "true or false", value);
  to = *truth;
}

void convert(std::string_view key, const Value& value, double& to) {
  if (const auto* number = std::get_if<double>(&value.data)) {
    to = *number;
  } else if (const auto* whole = std::get_if<std::int64_t>(&value.data)) {
    to = static_cast<double>(*whole);
  } else {
    mismatch(key, "a number", value);
  }
}

void convert(std::string_view key, const Value& value, std::chrono::milliseconds& to) {
  const auto* text = std::get_if<std::string>(&value.data);
  const auto duration = text != nullptr ? ipc::parse_duration(*text) : std::nullopt;
  if (!duration) mismatch(key, "a duration such as \"30s\" or \"1m30s\"", value);
  to = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
}

void convert(std::string_view key, const Value& value, std::vector<std::string>& to) {
  constexpr std::string_view kExpected = "an array of strings";
  const auto* array = std::get_if<Array>(&value.data);
  if (array == nullptr) mismatch(key, kExpected, value);
  for (const Value& item : *array) {
    const auto* text = std::get_if<std::string>(&item.data);
    if (text == nullptr) mismatch(key, kExpected, item);
    to.push_back(*text);
  }
}

}  // namespace

AppConfig AppConfig::from_environment() {
  const char* text = std::getenv(ipc::environment::kApp);
  return parse(text != nullptr ? text : "");
}

AppConfig AppConfig::parse(std::string_view toml) {
  auto root = ipc::document::parse_document(toml);
  if (!root) {
    throw ConfigError(fmt::format("{}: line {}, column {}: {}", ipc::environment::kApp,
                                  root.error().at.line, root.error().at.column, root.error().text));
  }
  return AppConfig(std::make_shared<const Value>(std::move(*root)));
}

template <class T>
std::optional<T> AppConfig::get(std::string_view key) const {
  const Value* value = find(key);
  if (value == nullptr) return std::nullopt;
  T converted{};
  convert(key, *value, converted);
  return converted;
}

template std::optional<std::string> AppConfig::get(std::string_view) const;
template std::optional<bool> AppConfig::get(std::string_view) const;
template std::optional<int> AppConfig::get(std::string_view) const;
template std::optional<std::int64_t> AppConfig::get(std::string_view) const;
template std::optional<double> AppConfig::get(std::string_view) const;
template std::optional<std::chrono::milliseconds> AppConfig::get(std::string_view) const;
template std::optional<std::vector<std::string>> AppConfig::get(std::string_view) const;

bool AppConfig::has(std::string_view key) const { return find(key) != nullptr; }

const Value* AppConfig::find(std::string_view key) const {
  const Value* at = root_.get();
  while (!key.empty()) {
    const auto* table = std::get_if<Table>(&at->data);
    if (table == nullptr) return nullptr;
    const std::size_t dot = std::min(key.find('.'), key.size());
    const auto found = std::ranges::find(*table, key.substr(0, dot), &Entry::key);
    if (found == table->end()) return nullptr;
    at = &found->value;
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  return at;
}

void AppConfig::complain_missing(std::string_view key) {
  complain(key, "not set; add it to [pool.NAME.app] of the master's configuration");
}

}  // namespace reeve
