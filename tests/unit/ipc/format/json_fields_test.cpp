// One list of fields, both ways: what is written is read, and what another version wrote, too.

#include "ipc/format/json_fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace reeve::ipc {
namespace {

using namespace std::chrono_literals;

enum class Colour : std::uint8_t { Red, Green };
constexpr Colour last_of(Colour) { return Colour::Green; }
std::string_view to_string(Colour colour) { return colour == Colour::Red ? "red" : "green"; }
enum class Id : std::uint64_t {};

struct Size {
  using Flat = void;
  int width = 1;
  double height = 2.5;
  bool operator==(const Size&) const = default;
};
REEVE_FIELDS(Size, width, height)

struct Round {
  bool operator==(const Round&) const = default;
};
struct Square {
  std::string edge;
  bool operator==(const Square&) const = default;
};
REEVE_FIELDS(Square, edge)

struct Thing {
  std::string name;
  Size size;
  Colour colour = Colour::Green;
  std::optional<Colour> lining;
  Id id{};
  std::chrono::milliseconds age{};
  std::optional<std::chrono::microseconds> left;
  std::vector<Square> squares;
  std::map<int, std::string> words;
  std::variant<Round, Square> shape;
  bool operator==(const Thing&) const = default;
};
REEVE_FIELDS(Thing, name, size, colour, lining, id, age, left, squares, words, shape)

const Thing kThing{.name = "it",
                   .size = {.width = -3, .height = 0.1},
                   .colour = Colour::Red,
                   .lining = Colour::Green,
                   .id = Id{18'446'744'073'709'551'615u},
                   .age = 5ms,
                   .left = 7us,
                   .squares = {{"a"}, {"b"}},
                   .words = {{-1, "minus"}},
                   .shape = Square{"sharp"}};

template <class T>
std::string write(const T& value, JsonStyle style) {
  JsonWriter writer(style);
  writer.write(value);
  return writer.take();
}

/// The error; empty when `text` was read into `thing`.
template <class T>
std::string read(std::string_view text, T& thing, JsonStyle style = JsonStyle::Readable) {
  const auto document = JsonDocument::parse(text, 9);
  if (!document) return document.error().text;
  JsonReader reader(style);
  return reader.read(document->root(), thing) ? "" : reader.error();
}

TEST(JsonFields, AreWrittenByTheirNamesWithTheUnitsOfTimes) {
  EXPECT_EQ(write(kThing, JsonStyle::Readable),
            R"({"name":"it","width":-3,"height":0.1,"colour":"red","lining":"green",)"
            R"("id":18446744073709551615,"age_ms":5,"left_us":7,"squares":[{"edge":"a"},)"
            R"({"edge":"b"}],"words":[[-1,"minus"]],"shape":{"kind":1,"edge":"sharp"}})");
}

TEST(JsonFields, AreReadAsTheyWereWritten) {
  for (const JsonStyle style : {JsonStyle::Readable, JsonStyle::Exact}) {
    for (const Thing& thing : {kThing, Thing{}}) {
      Thing again = kThing;
      again.lining.reset();
      again.left.reset();
      ASSERT_EQ(read(write(thing, style), again, style), "");
      EXPECT_EQ(again, thing);
    }
  }
}

TEST(JsonFields, ThatAreMissingKeepTheirDefault) {
  Thing thing;
  EXPECT_EQ(read("{}", thing), "");
  EXPECT_EQ(thing, Thing{});
}

TEST(JsonFields, OfAnotherVersionAreSkipped) {
  Thing thing;
  EXPECT_EQ(read(R"({"name":"it","mood":{"good":[1]},"colour":"blue","lining":"blue",)"
                 R"("shape":{"kind":2,"points":5}})",
                 thing),
            "");
  EXPECT_EQ(thing, Thing{.name = "it"});
  EXPECT_EQ(read(R"({"colour":2,"lining":2})", thing, JsonStyle::Exact), "");
  EXPECT_EQ(thing, Thing{.name = "it"});
}

TEST(JsonFields, OfAnotherTypeAreNamedByTheirPlace) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "expected an object"},
      {R"({"name":7})", "name: expected a string"},
      {R"({"width":1.5})", "width: expected a whole number"},
      {R"({"width":4294967296})", "width: out of range"},
      {R"({"colour":1})", "colour: expected a string"},
      {R"({"age_ms":"1"})", "age_ms: expected a whole number"},
      {R"({"squares":{}})", "squares: expected an array"},
      {R"({"squares":[{},{"edge":null}]})", "squares[1].edge: expected a string"},
      {R"({"words":[[1]]})", "words[0]: expected a pair"},
      {R"({"shape":{"kind":1,"edge":0}})", "shape.edge: expected a string"},
  };
  for (const auto& [text, error] : wrong) {
    Thing thing;
    EXPECT_EQ(read(text, thing), error);
  }
}

TEST(JsonFields, KeepAnyByteInTheExactStyle) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::string again;
  EXPECT_EQ(read(write(bytes, JsonStyle::Exact), again, JsonStyle::Exact), "");
  EXPECT_EQ(again, bytes);
  EXPECT_EQ(read("\"\u0100\"", again, JsonStyle::Exact), "expected bytes");
}

TEST(JsonDocument, RefusesWhatIsNoJsonOrTooDeep) {
  for (const char* text : {"", "{", "\"\xff\""}) {
    EXPECT_EQ(JsonDocument::parse(text, 9).error().text, "not JSON");
  }
  EXPECT_EQ(JsonDocument::parse(std::string(100'000, '['), 9).error().text, "nested too deeply");
}

TEST(JsonString, EscapesWhatJsonReserves) {
  EXPECT_EQ(json_string("say \"hi\"\\\t\n\x01"), R"("say \"hi\"\\\t\n\u0001")");
}

TEST(JsonString, KeepsUtf8AndReplacesWhatIsNot) {
  EXPECT_EQ(json_string("h\xC3\xA9\xE2\x86\x92\xF0\x9F\x98\x80"),
            "\"h\xC3\xA9\xE2\x86\x92\xF0\x9F\x98\x80\"");
  EXPECT_EQ(json_string("a\xffz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(json_string("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");  // Overlong.
  EXPECT_EQ(json_string("\xE2\x86"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");  // Cut off.
}

}  // namespace
}  // namespace reeve::ipc
