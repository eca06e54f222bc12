#include "supervisor/upgrade/handover_codec.hpp"

#include <fmt/format.h>

#include <chrono>
#include <concepts>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>

#include "ipc/version.hpp"
#include "supervisor/upgrade/handover_fields.hpp"
#include "supervisor/upgrade/handover_rules.hpp"

namespace reeve::supervisor {
namespace {

using Json = nlohmann::json;
using Nanoseconds = std::chrono::nanoseconds;

/// Ours has 8. Bounds what a text full of '[' can cost.
constexpr int kMaxDepth = 12;

/// Bytes of workers may be no UTF-8 at all, and JSON is: each byte becomes the character of its
/// number, which leaves ASCII as it is.
std::string to_characters(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) {
    const auto number = static_cast<unsigned char>(byte);
    if (number < 0x80) {
      text += byte;
    } else {
      text += static_cast<char>(0xC0 | number >> 6);
      text += static_cast<char>(0x80 | (number & 0x3F));
    }
  }
  return text;
}

/// False when `text`, which is UTF-8, has a character beyond a byte.
bool to_bytes(std::string_view text, std::string& bytes) {
  bytes.clear();
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      bytes += text[i];
    } else if (lead <= 0xC3 && i + 1 < text.size()) {
      bytes +=
          static_cast<char>((lead & 0x03) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F));
    } else {
      return false;
    }
  }
  return true;
}

template <class T>
concept Id = std::same_as<T, WorkerId> || std::same_as<T, Generation>;
template <class T>
concept State = std::is_enum_v<T> && !Id<T>;

class Writer {
 public:
  static constexpr bool kWrites = true;

  template <class T>
  void operator()(const char* key, const T& value) {
    object_[key] = write(value);
  }
  template <State E>
  void operator()(const char* key, const E& value, E /*last*/) {
    object_[key] = static_cast<std::underlying_type_t<E>>(value);
  }
  template <State E>
  void operator()(const char* key, const std::optional<E>& value, E /*last*/) {
    object_[key] = value ? Json(static_cast<std::underlying_type_t<E>>(*value)) : Json();
  }

  [[nodiscard]] Json done() { return std::move(object_); }

 private:
  template <class T>
    requires std::is_arithmetic_v<T>
  static Json write(T value) {
    return value;
  }
  template <Id T>
  static Json write(T value) {
    return static_cast<std::uint64_t>(value);
  }
  static Json write(const std::string& bytes) { return to_characters(bytes); }
  static Json write(WallTime value) { return value.time_since_epoch().count(); }
  static Json write(std::chrono::microseconds value) { return value.count(); }
  static Json write(Duration value) {
    return std::chrono::duration_cast<Nanoseconds>(value).count();
  }
  static Json write(TimePoint value) { return write(value.time_since_epoch()); }
  template <class T>
  static Json write(const std::optional<T>& value) {
    return value ? write(*value) : Json();
  }
  template <class T>
  static Json write(const std::vector<T>& values) {
    Json array = Json::array();
    for (const T& value : values) array.push_back(write(value));
    return array;
  }
  /// Keys are bytes, too: pairs.
  template <class K, class V>
  static Json write(const std::map<K, V>& values) {
    Json array = Json::array();
    for (const auto& [key, value] : values) array.push_back({write(key), write(value)});
    return array;
  }
  static Json write(const RestartPolicy& policy) { return write(policy.past()); }
  static Json write(const ReadyRule& rule) {
    Writer writer;
    writer("kind", rule.index());
    if (const auto* after = std::get_if<ReadyAfter>(&rule)) writer("delay", after->delay);
    if (const auto* log = std::get_if<ReadyLog>(&rule)) writer("pattern", log->pattern);
    return writer.done();
  }
  template <class T>
    requires std::is_class_v<T>
  static Json write(const T& value) {
    Writer writer;
    fields(writer, value);
    return writer.done();
  }

  Json object_ = Json::object();
};

/// Reads one object. The first error stays, with the path to where it is.
class Reader {
 public:
  static constexpr bool kWrites = false;

  Reader(const Json& object, std::string path, std::string& error)
      : object_(object), path_(std::move(path)), error_(error) {
    if (!object_.is_object()) refuse(path_, "expected an object");
  }

  template <class T>
  void operator()(const char* key, T& value) {
    if (const Json* member = find(key)) read(*member, path_to(key), value);
  }
  template <State E>
  void operator()(const char* key, E& value, E last) {
    if (const Json* member = find(key)) read_state(*member, path_to(key), value, last);
  }
  template <State E>
  void operator()(const char* key, std::optional<E>& value, E last) {
    const Json* member = find(key);
    if (member == nullptr || member->is_null()) return;
    read_state(*member, path_to(key), value.emplace(), last);
  }

 private:
  [[nodiscard]] std::string path_to(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
  }

  const Json* find(const char* key) {
    if (!error_.empty()) return nullptr;
    const auto member = object_.find(key);
    if (member != object_.end()) return &*member;
    refuse(path_to(key), "missing");
    return nullptr;
  }

  void refuse(const std::string& path, std::string_view why) {
    if (error_.empty()) error_ = fmt::format("{}: {}", path.empty() ? "the state" : path, why);
  }

  template <State E>
  void read_state(const Json& json, const std::string& path, E& value, E last) {
    std::underlying_type_t<E> number{};
    read(json, path, number);
    if (number > static_cast<std::underlying_type_t<E>>(last)) {
      refuse(path, fmt::format("expected 0 to {}", static_cast<int>(last)));
    } else {
      value = static_cast<E>(number);
    }
  }

  void read(const Json& json, const std::string& path, bool& value) {
    if (json.is_boolean())
      value = json.get<bool>();
    else
      refuse(path, "expected true or false");
  }
  void read(const Json& json, const std::string& path, double& value) {
    if (json.is_number())
      value = json.get<double>();
    else
      refuse(path, "expected a number");
  }
  template <std::integral T>
  void read(const Json& json, const std::string& path, T& value) {
    const auto store = [&](auto number) {
      if (std::in_range<T>(number))
        value = static_cast<T>(number);
      else
        refuse(path, "out of range");
    };
    if (json.is_number_unsigned())
      store(json.get<std::uint64_t>());
    else if (json.is_number_integer())
      store(json.get<std::int64_t>());
    else
      refuse(path, "expected a whole number");
  }
  template <Id T>
  void read(const Json& json, const std::string& path, T& value) {
    std::uint64_t number = 0;
    read(json, path, number);
    value = T{number};
  }
  void read(const Json& json, const std::string& path, std::string& value) {
    if (!json.is_string() || !to_bytes(json.get_ref<const std::string&>(), value)) {
      refuse(path, "expected a string of bytes");
    }
  }
  void read(const Json& json, const std::string& path, WallTime& value) {
    std::int64_t count = 0;
    read(json, path, count);
    value = WallTime(std::chrono::milliseconds(count));
  }
  void read(const Json& json, const std::string& path, std::chrono::microseconds& value) {
    std::int64_t count = 0;
    read(json, path, count);
    value = std::chrono::microseconds(count);
  }
  void read(const Json& json, const std::string& path, Duration& value) {
    std::int64_t count = 0;
    read(json, path, count);
    value = std::chrono::duration_cast<Duration>(Nanoseconds(count));
  }
  void read(const Json& json, const std::string& path, TimePoint& value) {
    Duration since{};
    read(json, path, since);
    value = TimePoint(since);
  }
  template <class T>
  void read(const Json& json, const std::string& path, std::optional<T>& value) {
    if (!json.is_null()) read(json, path, value.emplace());
  }
  template <class T>
  void read(const Json& json, const std::string& path, std::vector<T>& values) {
    if (!json.is_array()) return refuse(path, "expected an array");
    for (const Json& one : json) {
      if (!error_.empty()) return;
      const std::string place = fmt::format("{}[{}]", path, values.size());
      read(one, place, values.emplace_back());
    }
  }
  template <class K, class V>
  void read(const Json& json, const std::string& path, std::map<K, V>& values) {
    if (!json.is_array()) return refuse(path, "expected an array");
    for (const Json& pair : json) {
      if (!pair.is_array() || pair.size() != 2) return refuse(path, "expected pairs");
      K key{};
      V value{};
      read(pair[0], path, key);
      read(pair[1], path, value);
      if (!error_.empty()) return;
      values.insert_or_assign(std::move(key), std::move(value));
    }
  }
  void read(const Json& json, const std::string& path, RestartPolicy& policy) {
    RestartPolicy::Past past;
    read(json, path, past);
    policy.remember(past);
  }
  void read(const Json& json, const std::string& path, ReadyRule& rule) {
    Reader reader(json, path, error_);
    std::size_t kind = 0;
    reader("kind", kind);
    if (kind == 1) {
      reader("delay", rule.emplace<ReadyAfter>().delay);
    } else if (kind == 2) {
      reader("pattern", rule.emplace<ReadyLog>().pattern);
    } else if (kind != 0) {
      refuse(path, "expected kind 0 to 2");
    }
  }
  template <class T>
    requires std::is_class_v<T>
  void read(const Json& json, const std::string& path, T& value) {
    Reader reader(json, path, error_);
    fields(reader, value);
  }

  const Json& object_;
  std::string path_;
  std::string& error_;
};

/// The text as an object; discarded when it is none.
Json parse(std::string_view text) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json = Json::parse(text, limit_depth, /*allow_exceptions=*/false);
  return too_deep || !json.is_object() ? Json(Json::value_t::discarded) : json;
}

}  // namespace

std::string encode(const Handover& handover) {
  Writer writer;
  writer("format", kHandoverFormat);
  fields(writer, handover);
  return writer.done().dump();
}

ipc::Result<Handover> decode_handover(std::string_view text) {
  const Json json = parse(text);
  if (json.is_discarded()) return ipc::failure("the handed-over state is no JSON object");
  std::string error;
  Reader reader(json, "", error);
  int format = 0;
  reader("format", format);
  if (error.empty() && format != kHandoverFormat) {
    return ipc::failure(
        fmt::format("the handed-over state has format {}, and reeve {} reads format {}; restart "
                    "the master instead",
                    format, ipc::kVersion, kHandoverFormat));
  }
  Handover handover;
  fields(reader, handover);
  if (error.empty()) error = broken_rule(handover);
  if (!error.empty()) return ipc::failure(fmt::format("the handed-over state: {}", error));
  return handover;
}

}  // namespace reeve::supervisor
