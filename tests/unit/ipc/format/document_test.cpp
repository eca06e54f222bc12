#include "ipc/format/document.hpp"

#include <gtest/gtest.h>

namespace reeve::ipc::document {
namespace {

const Table& as_table(const Value& value) { return std::get<Table>(value.data); }

TEST(Document, KeepsTheOrderOfTheFile) {
  const auto document = parse_document("[z]\nb = 1\na = 2\n[a]\n");
  ASSERT_TRUE(document);
  const Table& root = as_table(*document);
  ASSERT_EQ(root.size(), 2u);
  EXPECT_EQ(root[0].key, "z");
  EXPECT_EQ(root[1].key, "a");
  const Table& z = as_table(root[0].value);
  ASSERT_EQ(z.size(), 2u);
  EXPECT_EQ(z[0].key, "b");
  EXPECT_EQ(z[1].key, "a");
}

TEST(Document, KnowsWhereKeysAndValuesStand) {
  const auto document = parse_document("\n  key = [ 1, \"x\" ]\n");
  ASSERT_TRUE(document);
  const Entry& entry = as_table(*document).front();
  EXPECT_EQ(entry.at, (Position{.line = 2, .column = 3}));
  EXPECT_EQ(entry.value.at, (Position{.line = 2, .column = 9}));
  EXPECT_EQ(std::get<Array>(entry.value.data)[1].at, (Position{.line = 2, .column = 14}));
}

TEST(Document, HasEveryType) {
  const auto document = parse_document("a='s'\nb=1\nc=1.5\nd=true\ne=[]\nf={}\ng=2020-01-01\n");
  ASSERT_TRUE(document);
  const Table& root = as_table(*document);
  ASSERT_EQ(root.size(), 7u);
  EXPECT_EQ(std::get<std::string>(root[0].value.data), "s");
  EXPECT_EQ(std::get<std::int64_t>(root[1].value.data), 1);
  EXPECT_EQ(std::get<double>(root[2].value.data), 1.5);
  EXPECT_EQ(std::get<bool>(root[3].value.data), true);
  EXPECT_TRUE(std::holds_alternative<Array>(root[4].value.data));
  EXPECT_TRUE(std::holds_alternative<Table>(root[5].value.data));
  EXPECT_TRUE(std::holds_alternative<DateTime>(root[6].value.data));
}

TEST(Document, SaysWhereTheSyntaxIsWrong) {
  const auto document = parse_document("a = 1\nb = \n");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().at, (Position{.line = 2, .column = 5}));
  EXPECT_EQ(document.error().text, "Error while parsing key-value pair: expected value, saw '\\n'");
}

TEST(Document, ExplainsWrongSyntaxInOneLine) {
  const auto document = parse_document("a = [ \n  i\n\n[pool]");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().text.find('\n'), std::string::npos) << document.error().text;
}

TEST(Document, SurvivesWhatTheLibraryAsserts) {
  // toml++ 3.3 aborts at the brace.
  const auto document = parse_document("a = 1\nb = [\n  \"x\", }\n[c]\n");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().at, (Position{.line = 3, .column = 8}));
  const auto first_line = parse_document("a = [}");
  ASSERT_FALSE(first_line);
  EXPECT_EQ(first_line.error().at, (Position{.line = 1, .column = 6}));
}

TEST(Document, RefusesALetterThatIsNotAsciiInABareKey) {
  // toml++ 3.3 has undefined behaviour here.
  const auto document = parse_document("gr\u00e4ce = 1\n");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().at, (Position{.line = 1, .column = 3}));
  EXPECT_TRUE(parse_document("'gr\u00e4ce' = \"\"\"\\\n\u00e4\"\"\"\n"));
}

TEST(Document, RefusesAKeyThatIsThereTwice) {
  const auto document = parse_document("[pool.web]\ngrace = '1s'\ngrace = '2s'\n");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().at.line, 3u);
}

TEST(Document, RefusesTextThatIsNotUtf8) { EXPECT_FALSE(parse_document("a = '\xff'")); }

/// What `text` is once it was read and written.
std::string rewritten(std::string_view text) {
  const auto document = parse_document(text);
  return document ? write_document(as_table(*document)) : document.error().text;
}

TEST(DocumentWrite, KeepsEveryType) {
  const std::string text =
      "text = \"\\\"quoted\\\" \\\\ \\u000A \\u007F ä\"\n"
      "whole = -9223372036854775808\nreal = 1.0\nsmall = 1e-300\nno = nan\nfar = -inf\n"
      "yes = true\narray = [1, [2.5, \"x\"], {}]\ntable = { a = 1, \"b.c\" = { d = [] } }\n"
      "\"\" = 1979-05-27\nat = 07:32:00.000500000\nlocal = 1979-05-27T07:32:00\n"
      "utc = 1979-05-27T07:32:00Z\nzone = 1979-05-27T07:32:00-08:30\n";
  EXPECT_EQ(rewritten(text), text);
}

TEST(DocumentWrite, WritesTablesInline) {
  EXPECT_EQ(rewritten("[b]\nx = 1\n[b.c]\ny = 2\n[[a]]\nz = 3\n[[a]]\n"),
            "b = { x = 1, c = { y = 2 } }\na = [{ z = 3 }, {}]\n");
  EXPECT_EQ(rewritten(""), "");
}

}  // namespace
}  // namespace reeve::ipc::document
