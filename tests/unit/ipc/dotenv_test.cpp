#include "ipc/dotenv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace reeve::ipc {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using namespace std::string_view_literals;

Variables parsed(std::string_view text) {
  const auto variables = parse_dotenv(text);
  EXPECT_TRUE(variables) << variables.error();
  return variables.value_or(Variables{});
}

std::string error(std::string_view text) {
  const auto variables = parse_dotenv(text);
  return variables ? "no error" : variables.error();
}

TEST(Dotenv, ReadsNamesAndValues) {
  EXPECT_THAT(parsed("# where things are\n"
                     "HOST=db.example\n"
                     "\n"
                     "  export PORT = 5432   # the default\n"
                     "URL=http://host/#anchor\n"
                     "EMPTY=\n"
                     "NONE=# only a comment\n"
                     "LAST=1"),
              ElementsAre(Pair("HOST", "db.example"), Pair("PORT", "5432"),
                          Pair("URL", "http://host/#anchor"), Pair("EMPTY", ""), Pair("NONE", ""),
                          Pair("LAST", "1")));
}

TEST(Dotenv, QuotesKeepBlanksAndComments) {
  EXPECT_THAT(parsed("A=\"hello # world \"  # why\n"
                     "B='it said \"so\"'\r\n"
                     "C=''\n"),
              ElementsAre(Pair("A", "hello # world "), Pair("B", "it said \"so\""), Pair("C", "")));
}

TEST(Dotenv, DoubleQuotesHaveEscapesAndSingleOnesHaveNot) {
  EXPECT_THAT(parsed(R"(A="two\nlines \"quoted\" \$5 C:\x \\"
B='\n $HOME')"),
              ElementsAre(Pair("A", "two\nlines \"quoted\" $5 C:\\x \\"), Pair("B", "\\n $HOME")));
}

TEST(Dotenv, NamesTheLineThatIsWrong) {
  EXPECT_EQ(error("A=1\n\nnothing here\n"), "line 3: no '=' after the name");
  EXPECT_EQ(error("1A=1"), "line 1: '1A' is no variable's name");
  EXPECT_EQ(error("A B=1"), "line 1: 'A B' is no variable's name");
  EXPECT_EQ(error("=1"), "line 1: '' is no variable's name");
  EXPECT_EQ(error("A=1\nB=\"1\nC=2"), "line 2: no closing \" on the line");
  EXPECT_EQ(error("B='"), "line 1: no closing ' on the line");
  EXPECT_EQ(error("A=\"\\\""), "line 1: no closing \" on the line");
  EXPECT_EQ(error("A='1' 2"), "line 1: more text after the closing quote");
  EXPECT_EQ(error("A=\0"sv), "line 1: a NUL byte, which no variable can hold");
  EXPECT_EQ(error("\x1b[2J=1"), "line 1: '?[2J' is no variable's name");
}

}  // namespace
}  // namespace reeve::ipc
