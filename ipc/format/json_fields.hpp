#pragma once
// The one JSON codec, by the lists of fields.hpp: of the control protocol, which people's scripts
// read, and of what one master hands to the next. A field that is missing leaves its place alone,
// an unknown one is skipped, and so is an enumerator that is not known here, unless its enum
// declares `void must_be_known(Enum);`: the other side may be of another version. A value of
// another type is refused. No JSON library shows here. Pure.

#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <ratio>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "ipc/base/enum_word.hpp"
#include "ipc/base/error.hpp"
#include "ipc/format/fields.hpp"

namespace reeve::ipc {

enum class JsonStyle : std::uint8_t {
  /// For people and their scripts: text is UTF-8, with U+FFFD for what is none; enumerators are
  /// their words.
  Readable,
  /// For ourselves: any bytes survive, each as the character of its number; enumerators are
  /// numbers, so that a word may be changed.
  Exact,
};

/// `text` as a JSON string with its quotes, as JsonStyle::Readable has it.
[[nodiscard]] std::string json_string(std::string_view text);

/// A struct with `using Flat = void;` has no object of its own: its fields are among those of the
/// struct that it is in.
template <class T>
concept FlatFields = HasFields<T> && requires { typename T::Flat; };

/// A class that is saved as its State.
template <class T>
concept HasState = std::is_class_v<T> && requires(const T& value, typename T::State state) {
  { value.state() } -> std::convertible_to<typename T::State>;
  T(state);
};

template <class T>
concept JsonMap = std::ranges::range<T> && requires { typename T::mapped_type; };

/// What a field's name ends with, so that no number goes without its unit.
template <class T>
inline constexpr std::string_view kUnit{};
template <class Rep, class Period>
inline constexpr std::string_view kUnit<std::chrono::duration<Rep, Period>> =
    std::same_as<Period, std::nano>    ? "_ns"
    : std::same_as<Period, std::micro> ? "_us"
                                       : "_ms";
template <class Clock, class Duration>
inline constexpr std::string_view kUnit<std::chrono::time_point<Clock, Duration>> = kUnit<Duration>;
template <class T>
inline constexpr std::string_view kUnit<std::optional<T>> = kUnit<T>;

/// T is an instance of a template, as in kIsA<std::optional, T>.
template <template <class...> class Template, class T>
inline constexpr bool kIsA = false;
template <template <class...> class Template, class... Arguments>
inline constexpr bool kIsA<Template, Template<Arguments...>> = true;

/// Ids have no list of enumerators; they are as wide as the numbers that they are.
template <class T>
concept JsonId = std::is_enum_v<T> && !ListedEnum<T> && sizeof(T) == sizeof(std::uint64_t);

/// Writes one JSON text, from the left to the right.
class JsonWriter {
 public:
  explicit JsonWriter(JsonStyle style) : style_(style) {}

  void begin_object() { text_ += '{'; }
  void begin_object(std::string_view name) {
    write_name(name, {});
    text_ += '{';
  }
  void end_object() { text_ += '}'; }

  template <class T>
  void field(std::string_view name, const T& value) {
    if constexpr (FlatFields<T>) {
      visit_fields(*this, value);
    } else {
      if constexpr (kIsA<std::optional, T>) {
        if (!value && style_ == JsonStyle::Readable) return;
      }
      write_name(name, kUnit<T>);
      write(value);
    }
  }
  template <class... Members>
  void operator()(FieldNames names, const Members&... members) {
    std::size_t i = 0;
    (field(names[i++], members), ...);
  }

  template <class T>
  void write(const T& value) {
    if constexpr (std::same_as<T, bool>) {
      text_ += value ? "true" : "false";
    } else if constexpr (std::is_arithmetic_v<T>) {
      write_number(value);
    } else if constexpr (ListedEnum<T>) {
      write_enumerator(value);
    } else if constexpr (JsonId<T>) {
      write_number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::convertible_to<const T&, std::string_view>) {
      write_text(value);
    } else if constexpr (kIsA<std::chrono::duration, T>) {
      write_number(value.count());
    } else if constexpr (kIsA<std::chrono::time_point, T>) {
      write_number(value.time_since_epoch().count());
    } else if constexpr (kIsA<std::optional, T>) {
      if (value) {
        write(*value);
      } else {
        text_ += "null";
      }
    } else if constexpr (kIsA<std::variant, T>) {
      write_variant(value);
    } else if constexpr (HasState<T>) {
      const typename T::State& state = value.state();
      write(state);
    } else if constexpr (std::ranges::range<T>) {
      write_array(value);
    } else {
      begin_object();
      visit_fields(*this, value);
      end_object();
    }
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  /// A comma, unless this is the first of its object or array.
  void separate() {
    if (text_.back() != '{' && text_.back() != '[') text_ += ',';
  }
  void write_name(std::string_view name, std::string_view unit) {
    separate();
    text_ += '"';
    text_ += name;
    text_ += unit;
    text_ += "\":";
  }
  template <class T>
  void write_number(T value) {
    char digits[32];
    text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
  }
  template <ListedEnum T>
  void write_enumerator(T value) {
    if constexpr (requires { to_string(value); }) {
      if (style_ == JsonStyle::Readable) return write_text(to_string(value));
    }
    write_number(static_cast<std::uint64_t>(value));
  }
  template <class T>
  void write_variant(const T& value) {
    begin_object();
    field("kind", value.index());
    std::visit(
        [this]<class Kind>(const Kind& kind) {
          if constexpr (HasFields<Kind>) visit_fields(*this, kind);
        },
        value);
    end_object();
  }
  template <class T>
  void write_array(const T& values) {
    text_ += '[';
    for (const auto& value : values) {
      separate();
      if constexpr (JsonMap<T>) {  // Its keys may be no text.
        text_ += '[';
        write(value.first);
        text_ += ',';
        write(value.second);
        text_ += ']';
      } else {
        write(value);
      }
    }
    text_ += ']';
  }
  void write_text(std::string_view text);

  JsonStyle style_;
  std::string text_;
};

/// A value in a parsed text, which it does not outlive; or none.
class JsonNode {
 public:
  JsonNode() = default;
  [[nodiscard]] explicit operator bool() const { return json_ != nullptr; }
  [[nodiscard]] bool is_null() const;
  [[nodiscard]] bool is_object() const;
  [[nodiscard]] bool is_array() const;
  [[nodiscard]] bool is_integer() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<double> number() const;
  template <std::integral T>
  [[nodiscard]] std::optional<T> integer() const {
    if (const auto number = unsigned_integer(); number && std::in_range<T>(*number))
      return static_cast<T>(*number);
    if (const auto number = signed_integer(); number && std::in_range<T>(*number))
      return static_cast<T>(*number);
    return std::nullopt;
  }
  /// Null when it is no string.
  [[nodiscard]] const std::string* text() const;
  /// The number of elements of an array, and one of them.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] JsonNode operator[](std::size_t index) const;
  /// A member of an object; none when it has no such member, and of none.
  [[nodiscard]] JsonNode operator[](std::string_view name) const;

 private:
  friend class JsonDocument;
  explicit JsonNode(const void* json) : json_(json) {}
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() const;
  [[nodiscard]] std::optional<std::int64_t> signed_integer() const;

  const void* json_ = nullptr;
};

/// A parsed text.
class JsonDocument {
 public:
  /// Refuses what is no JSON, and what is nested deeper than `max_depth`: that bounds what a text
  /// full of '[' can cost.
  [[nodiscard]] static Result<JsonDocument> parse(std::string_view text, int max_depth);
  [[nodiscard]] JsonNode root() const { return JsonNode(json_.get()); }

 private:
  using Owned = std::unique_ptr<const void, void (*)(const void*)>;
  explicit JsonDocument(Owned json) : json_(std::move(json)) {}

  Owned json_;
};

/// Reads values out of nodes; each call returns false when the value is refused, and error() then
/// says where and why: "pools[0].processes[1].pid: expected a whole number".
class JsonReader {
 public:
  explicit JsonReader(JsonStyle style) : style_(style) {}

  template <class T>
  bool field(JsonNode object, std::string_view name, T& value) {
    if constexpr (FlatFields<T>) {
      return read(object, value);
    } else {
      std::string key(name);
      key += kUnit<T>;
      const JsonNode member = object[key];
      return !member || read(member, value) || is_in(key);
    }
  }

  template <class T>
  bool read(JsonNode node, T& value) {
    if constexpr (std::same_as<T, bool>) {
      return store(node.boolean(), value, "expected true or false");
    } else if constexpr (std::integral<T>) {
      return store(node.integer<T>(), value,
                   node.is_integer() ? "out of range" : "expected a whole number");
    } else if constexpr (std::floating_point<T>) {
      return store(node.number(), value, "expected a number");
    } else if constexpr (ListedEnum<T>) {
      std::optional<T> known = value;
      if (!read(node, known)) return false;
      if constexpr (requires { must_be_known(value); }) {
        if (!known) return refuse("not known to this version");
      }
      value = known.value_or(value);
      return true;
    } else if constexpr (JsonId<T>) {
      return store(node.integer<std::uint64_t>(), value, "expected a whole number");
    } else if constexpr (std::same_as<T, std::string>) {
      return read_text(node, value);
    } else if constexpr (kIsA<std::chrono::duration, T>) {
      return store(node.integer<typename T::rep>(), value, "expected a whole number");
    } else if constexpr (kIsA<std::chrono::time_point, T>) {
      typename T::duration since{};
      if (!read(node, since)) return false;
      value = T(since);
      return true;
    } else if constexpr (kIsA<std::optional, T>) {
      return read_optional(node, value);
    } else if constexpr (kIsA<std::variant, T>) {
      return read_variant(node, value);
    } else if constexpr (HasState<T>) {
      typename T::State state;
      if (!read(node, state)) return false;
      value = T(std::move(state));
      return true;
    } else if constexpr (std::ranges::range<T>) {
      return read_array(node, value);
    } else {
      if (!node.is_object()) return refuse("expected an object");
      bool taken = true;
      visit_fields(
          [&](FieldNames names, auto&... members) {
            std::size_t i = 0;
            taken = (field(node, names[i++], members) && ...);
          },
          value);
      return taken;
    }
  }

  bool refuse(std::string_view why) {
    why_ = why;
    return false;
  }
  [[nodiscard]] std::string error() const { return path_.empty() ? why_ : path_ + ": " + why_; }

 private:
  template <class From, class T>
  bool store(const std::optional<From>& from, T& value, std::string_view otherwise) {
    if (!from) return refuse(otherwise);
    value = T{*from};
    return true;
  }
  /// The value that was refused is there.
  bool is_in(std::string_view place) {
    path_.insert(0, path_.empty() || path_.starts_with('[') ? "" : ".");
    path_.insert(0, place);
    return false;
  }
  bool read_text(JsonNode node, std::string& value);

  template <class T>
  bool read_optional(JsonNode node, std::optional<T>& value) {
    value.reset();
    if (node.is_null()) return true;
    if constexpr (ListedEnum<T>) {
      if constexpr (requires { to_string(T{}); }) {
        if (style_ == JsonStyle::Readable) {
          if (node.text() == nullptr) return refuse("expected a string");
          value = parse_word<T>(*node.text());
          return true;
        }
      }
      const auto number = node.integer<std::uint64_t>();
      if (number) value = enumerator<T>(*number);
      return number.has_value() || refuse("expected a whole number");
    } else {
      return read(node, value.emplace());
    }
  }

  template <class... Kinds>
  bool read_variant(JsonNode node, std::variant<Kinds...>& value) {
    if (!node.is_object()) return refuse("expected an object");
    std::size_t kind = value.index();
    if (!field(node, "kind", kind)) return false;
    std::size_t i = 0;
    bool taken = true;
    const auto read_one = [&]<class Kind>(Kind one) {
      if (i++ != kind) return;
      if constexpr (HasFields<Kind>) taken = read(node, one);
      value = std::move(one);
    };
    (read_one(Kinds{}), ...);
    return taken;
  }

  template <class T>
  bool read_array(JsonNode node, T& values) {
    if (!node.is_array()) return refuse("expected an array");
    values.clear();
    for (std::size_t i = 0; i < node.size(); ++i) {
      const JsonNode one = node[i];
      bool taken = false;
      if constexpr (JsonMap<T>) {
        typename T::key_type key{};
        typename T::mapped_type value{};
        taken = one.is_array() && one.size() == 2 ? read(one[0], key) && read(one[1], value)
                                                  : refuse("expected a pair");
        values.insert_or_assign(std::move(key), std::move(value));
      } else {
        taken = read(one, values.emplace_back());
      }
      if (!taken) return is_in("[" + std::to_string(i) + "]");
    }
    return true;
  }

  JsonStyle style_;
  std::string path_;
  std::string why_;
};

}  // namespace reeve::ipc
