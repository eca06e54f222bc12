#include "ipc/format/json_fields.hpp"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

#include "ipc/base/text.hpp"

namespace reeve::ipc {
namespace {

using Json = nlohmann::json;

const Json& of(const void* json) { return *static_cast<const Json*>(json); }

void append_ascii(std::string& json, char character) {
  switch (character) {
    case '"':
    case '\\':
      json += '\\';
      json += character;
      return;
    case '\t':
      json += "\\t";
      return;
    case '\n':
      json += "\\n";
      return;
    default:
      if (static_cast<unsigned char>(character) >= 0x20) {
        json += character;
      } else {
        fmt::format_to(std::back_inserter(json), "\\u{:04x}",
                       static_cast<unsigned char>(character));
      }
  }
}

void append_readable(std::string& json, std::string_view text) {
  json += '"';
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      json += "\xEF\xBF\xBD";
    } else if (length == 1) {
      append_ascii(json, text.front());
    } else {
      json += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  json += '"';
}

void append_exact(std::string& json, std::string_view bytes) {
  json += '"';
  for (const char byte : bytes) {
    const auto number = static_cast<unsigned char>(byte);
    if (number < 0x80) {
      append_ascii(json, byte);
    } else {
      json += static_cast<char>(0xC0 | number >> 6);
      json += static_cast<char>(0x80 | (number & 0x3F));
    }
  }
  json += '"';
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

}  // namespace

std::string json_string(std::string_view text) {
  std::string json;
  append_readable(json, text);
  return json;
}

void JsonWriter::write_text(std::string_view text) {
  if (style_ == JsonStyle::Exact) {
    append_exact(text_, text);
  } else {
    append_readable(text_, text);
  }
}

bool JsonNode::is_null() const { return of(json_).is_null(); }
bool JsonNode::is_object() const { return of(json_).is_object(); }
bool JsonNode::is_array() const { return of(json_).is_array(); }
bool JsonNode::is_integer() const { return of(json_).is_number_integer(); }

std::optional<bool> JsonNode::boolean() const {
  return of(json_).is_boolean() ? std::optional(of(json_).get<bool>()) : std::nullopt;
}

std::optional<double> JsonNode::number() const {
  return of(json_).is_number() ? std::optional(of(json_).get<double>()) : std::nullopt;
}

std::optional<std::uint64_t> JsonNode::unsigned_integer() const {
  if (!of(json_).is_number_unsigned()) return std::nullopt;
  return of(json_).get<std::uint64_t>();
}

std::optional<std::int64_t> JsonNode::signed_integer() const {
  if (!is_integer() || of(json_).is_number_unsigned()) return std::nullopt;
  return of(json_).get<std::int64_t>();
}

const std::string* JsonNode::text() const { return of(json_).get_ptr<const std::string*>(); }

std::size_t JsonNode::size() const { return of(json_).size(); }

JsonNode JsonNode::operator[](std::size_t index) const { return JsonNode(&of(json_)[index]); }

JsonNode JsonNode::operator[](std::string_view name) const {
  if (json_ == nullptr) return {};
  const auto member = of(json_).find(name);
  return member == of(json_).end() ? JsonNode() : JsonNode(&*member);
}

Result<JsonDocument> JsonDocument::parse(std::string_view text, int max_depth) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > max_depth;
    return !too_deep;
  };
  auto json = std::make_unique<Json>(Json::parse(text, limit_depth, /*allow_exceptions=*/false));
  if (too_deep) return failure("nested too deeply");
  if (json->is_discarded()) return failure("not JSON");
  return JsonDocument(
      Owned(json.release(), [](const void* parsed) { delete static_cast<const Json*>(parsed); }));
}

bool JsonReader::read_text(JsonNode node, std::string& value) {
  const std::string* const text = node.text();
  if (text == nullptr) return refuse("expected a string");
  if (style_ == JsonStyle::Exact) return to_bytes(*text, value) || refuse("expected bytes");
  value = *text;
  return true;
}

}  // namespace reeve::ipc
