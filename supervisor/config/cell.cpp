#include "supervisor/config/cell.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ipc/base/byte_size.hpp"
#include "ipc/base/duration.hpp"
#include "ipc/base/nearest.hpp"
#include "ipc/base/text.hpp"

namespace reeve::supervisor::config {
namespace {

constexpr std::size_t kLongestQuote = 120;

std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

/// The longest path that is shown; a key may be any text.
std::string shown(std::string_view key) { return ipc::printable(key, kLongestQuote); }

}  // namespace

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", ipc::printable(text, kLongestQuote));
}

void Cell::refuse(std::string text) const {
  problems_->push_back({.at = value_->at, .path = path_, .text = std::move(text)});
}

void Cell::refuse_key(const Entry& entry, std::string text) const {
  problems_->push_back(
      {.at = entry.at, .path = join(path_, shown(entry.key)), .text = std::move(text)});
}

void Cell::refuse_unknown(const Entry& entry, std::string_view kind,
                          std::span<const std::string_view> known) const {
  std::string remedy = ipc::did_you_mean(entry.key, known);
  if (remedy.empty()) remedy = fmt::format("; known here: {}", fmt::join(known, ", "));
  refuse_key(entry, fmt::format("unknown {}{}", kind, remedy));
}

void Cell::expected(std::string_view wanted) const {
  refuse(fmt::format("expected {}, found {}", wanted, ipc::document::describe(*value_)));
}

std::optional<std::string> Cell::text(std::string_view wanted) const {
  const auto* text = std::get_if<std::string>(&value_->data);
  if (!text) {
    expected(wanted);
    return std::nullopt;
  }
  if (text->contains('\0')) {
    refuse("contains a NUL byte, which no system call takes; remove it");
    return std::nullopt;
  }
  return *text;
}

std::optional<std::vector<std::string>> Cell::texts() const {
  if (!std::holds_alternative<Array>(value_->data)) {
    expected("an array of strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  bool complete = true;
  for (const Cell& element : elements()) {
    if (auto text = element.text()) {
      texts.push_back(std::move(*text));
    } else {
      complete = false;
    }
  }
  return complete ? std::optional(std::move(texts)) : std::nullopt;
}

const Table* Cell::table(std::string_view wanted) const {
  const auto* table = std::get_if<Table>(&value_->data);
  if (!table) expected(wanted);
  return table;
}

void Cell::read(bool& to) const {
  const auto* value = std::get_if<bool>(&value_->data);
  if (!value) return expected("true or false");
  to = *value;
}

void Cell::read(std::string& to) const {
  if (auto read = text()) to = std::move(*read);
}

void Cell::read(std::vector<std::string>& to) const {
  if (auto read = texts()) to = std::move(*read);
}

std::string Cell::range_text(std::int64_t least, std::uint64_t most, std::string_view or_else) {
  return fmt::format("a whole number from {} to {}{}", least, most, or_else);
}

void Cell::read(double& to, Range<double> range) const {
  const auto* whole = std::get_if<std::int64_t>(&value_->data);
  const auto* real = std::get_if<double>(&value_->data);
  const double number = whole ? static_cast<double>(*whole) : real ? *real : range.least - 1;
  if (!(number >= range.least && number <= range.most)) {  // So that nan is refused, too.
    return expected(fmt::format("a number from {} to {}", range.least, range.most));
  }
  to = number;
}

std::optional<std::uint64_t> Cell::size(Range<std::uint64_t> range) const {
  std::optional<std::uint64_t> size;
  if (const auto* text = std::get_if<std::string>(&value_->data)) {
    size = ipc::parse_byte_size(*text);
  } else {
    size = whole(Range<std::uint64_t>{.least = 0, .most = ~std::uint64_t{0}});
  }
  if (size && *size >= range.least && *size <= range.most) return size;
  if (size) {
    expected(fmt::format("a size from {} to {}", ipc::write_byte_size(range.least),
                         ipc::write_byte_size(range.most)));
  } else {
    expected("a size such as \"512MiB\" or \"1GB\"");
  }
  return std::nullopt;
}

void Cell::read(ipc::Duration& to, Range<ipc::Duration> range) const {
  const auto* text = std::get_if<std::string>(&value_->data);
  const auto duration = text ? ipc::parse_duration(*text) : std::nullopt;
  if (!duration) return expected("a duration such as \"250ms\", \"30s\" or \"1m30s\"");
  if (*duration < range.least || *duration > range.most) {
    return expected(fmt::format("a duration from {} to {}", ipc::write_duration(range.least),
                                ipc::write_duration(range.most)));
  }
  to = *duration;
}

std::optional<std::size_t> Cell::choose(std::span<const std::string_view> words) const {
  const std::string wanted = fmt::format("one of \"{}\"", fmt::join(words, "\", \""));
  const auto word = text(wanted);
  if (!word) return std::nullopt;
  const auto found = std::ranges::find(words, *word);
  if (found == words.end()) {
    refuse(fmt::format("expected {}, found {}{}", wanted, in_quotes(*word),
                       ipc::did_you_mean(*word, words)));
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - words.begin());
}

std::optional<Cell> Cell::find(std::string_view name) const {
  const auto* table = std::get_if<Table>(&value_->data);
  if (!table) return std::nullopt;
  const std::size_t dot = name.find('.');
  const auto entry = std::ranges::find(*table, name.substr(0, dot), &Entry::key);
  if (entry == table->end()) return std::nullopt;
  if (dot == std::string_view::npos) return child(*entry);
  return child(*entry).find(name.substr(dot + 1));
}

Cell Cell::child(const Entry& entry) const {
  return {entry.value, join(path_, shown(entry.key)), *problems_};
}

std::vector<Cell> Cell::elements() const {
  std::vector<Cell> cells;
  if (const auto* array = std::get_if<Array>(&value_->data)) {
    for (const Value& element : *array) cells.emplace_back(element, path_, *problems_);
  }
  return cells;
}

}  // namespace reeve::supervisor::config
