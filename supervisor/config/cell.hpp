#pragma once
// One value of the configuration with its name ("pool.web.grace") and the list that complaints go
// to. Reading a wrong value adds a complaint and leaves the target as it was, so reading goes on
// and every error is found at once. Start-up and reload only.

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/format/document.hpp"

namespace reeve::supervisor::config {

using ipc::document::Array;
using ipc::document::DateTime;
using ipc::document::Entry;
using ipc::document::Position;
using ipc::document::Table;
using ipc::document::Value;

/// One thing wrong: at `path`, because of `text`.
struct Problem {
  Position at;
  std::string path;
  std::string text;
};
using Problems = std::vector<Problem>;

template <class T>
struct Range {
  T least;
  T most;
};

/// A word of a file and what it stands for.
template <class E>
using Word = std::pair<std::string_view, E>;

class Cell {
 public:
  /// Borrows both: the document and the problems outlive every cell.
  Cell(const Value& value, std::string path, Problems& problems)
      : value_(&value), path_(std::move(path)), problems_(&problems) {}

  [[nodiscard]] const Value& value() const { return *value_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// Complains about the value.
  void refuse(std::string text) const;
  /// Complains about the key `entry` of this table.
  void refuse_key(const Entry& entry, std::string text) const;
  /// Complains about the key `entry`, a `kind` of which only `known` ones can stand here.
  void refuse_unknown(const Entry& entry, std::string_view kind,
                      std::span<const std::string_view> known) const;
  /// Complains about the value's type: `wanted` is what would have been right.
  void expected(std::string_view wanted) const;

  /// The text, when it is a string without NUL; complains otherwise.
  [[nodiscard]] std::optional<std::string> text(std::string_view wanted = "a string") const;
  /// The texts, when it is an array of such strings; complains otherwise.
  [[nodiscard]] std::optional<std::vector<std::string>> texts() const;
  /// The entries, when it is a table; complains otherwise.
  [[nodiscard]] const Table* table(std::string_view wanted = "a table") const;

  void read(bool& to) const;
  void read(std::string& to) const;
  void read(std::vector<std::string>& to) const;
  /// `or_else` says what is right beside a number: ", or \"cores\"".
  template <std::integral T>
  void read(T& to, Range<T> range, std::string_view or_else = "") const {
    const auto number = whole(range);
    if (!number)
      return expected(range_text(static_cast<std::int64_t>(range.least),
                                 static_cast<std::uint64_t>(range.most), or_else));
    to = *number;
  }
  /// The value, when it is a whole number in this range.
  template <std::integral T>
  [[nodiscard]] std::optional<T> whole(Range<T> range) const {
    const auto* number = std::get_if<std::int64_t>(&value_->data);
    if (!number || std::cmp_less(*number, range.least) || std::cmp_greater(*number, range.most)) {
      return std::nullopt;
    }
    return static_cast<T>(*number);
  }
  void read(double& to, Range<double> range) const;
  void read(ipc::Duration& to, Range<ipc::Duration> range) const;
  template <class T>
  void read(std::optional<T>& to, Range<T> range) const {
    T value{};
    const std::size_t before = problems_->size();
    read(value, range);
    if (problems_->size() == before) to = value;
  }
  /// Bytes: a whole number, or a string with a unit.
  [[nodiscard]] std::optional<std::uint64_t> size(Range<std::uint64_t> range) const;
  void read_size(std::uint64_t& to, Range<std::uint64_t> range) const {
    to = size(range).value_or(to);
  }
  template <class E, std::size_t N>
  void read(E& to, const std::array<Word<E>, N>& words) const {
    std::array<std::string_view, N> known;
    std::ranges::transform(words, known.begin(), &Word<E>::first);
    if (const auto index = choose(known)) to = words[*index].second;
  }

  /// The value at `name` ("backoff.first") below this table; nothing when it is not there.
  [[nodiscard]] std::optional<Cell> find(std::string_view name) const;
  /// The value of one entry of this table.
  [[nodiscard]] Cell child(const Entry& entry) const;
  /// The elements of this array; they are complained about under its name.
  [[nodiscard]] std::vector<Cell> elements() const;

 private:
  [[nodiscard]] static std::string range_text(std::int64_t least, std::uint64_t most,
                                              std::string_view or_else);
  [[nodiscard]] std::optional<std::size_t> choose(std::span<const std::string_view> words) const;

  const Value* value_;
  std::string path_;
  Problems* problems_;
};

/// `text` in double quotes, printable and not too long for a message.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace reeve::supervisor::config
