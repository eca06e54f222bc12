#include "ipc/document.hpp"

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

}  // namespace
}  // namespace reeve::ipc::document
