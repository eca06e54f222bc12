#include "ipc/format/dotenv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace reeve::ipc {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;
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

TEST(Dotenv, WhatIsInQuotesMayGoOnForLines) {
  EXPECT_THAT(parsed("KEY=\"-----BEGIN-----\nMIIE= # no comment\n\n-----END-----\" # one\n"
                     "SINGLE='one\n two'\nLAST=1"),
              ElementsAre(Pair("KEY", "-----BEGIN-----\nMIIE= # no comment\n\n-----END-----"),
                          Pair("SINGLE", "one\n two"), Pair("LAST", "1")));
}

TEST(Dotenv, ReadsWhatWindowsWrites) {
  EXPECT_THAT(parsed("\xEF\xBB\xBF"
                     "A=1\r\nB='two\r\nlines'\r\n# why\r\n\r\nC=\r\n"),
              ElementsAre(Pair("A", "1"), Pair("B", "two\nlines"), Pair("C", "")));
}

TEST(Dotenv, ExpandsNothing) {
  EXPECT_THAT(parsed("A=${HOME}/x\nB=\"$HOME\"\nC=`id`\nD=a\\nb\nE=don't\n"),
              ElementsAre(Pair("A", "${HOME}/x"), Pair("B", "$HOME"), Pair("C", "`id`"),
                          Pair("D", "a\\nb"), Pair("E", "don't")));
}

TEST(Dotenv, NamesTheLineThatIsWrong) {
  EXPECT_EQ(error("A=1\n\nnothing here\n"), "line 3: no '=' after the name");
  for (const auto* name : {"1A", "A B", "", "\x1b[2J", "A-B", "exported A"}) {
    EXPECT_THAT(error(std::string(name) + "=1"),
                StartsWith("line 1: the text before the '=' is not a variable name"))
        << name;
  }
  EXPECT_EQ(error("A=1\nB=\"1\nC=2"), "line 2: no closing \" from here to the end");
  EXPECT_EQ(error("B='"), "line 1: no closing ' from here to the end");
  EXPECT_EQ(error("A=\"\\\""), "line 1: no closing \" from here to the end");
  EXPECT_EQ(error("A='1' 2"), "line 1: more text after the closing quote");
  EXPECT_EQ(error("A=\"1\n2\" 3"), "line 1: more text after the closing quote");
  EXPECT_EQ(error("A=\0"sv), "line 1: a NUL byte, which no variable can hold");
  EXPECT_EQ(error("A='\n\0'"sv), "line 1: a NUL byte, which no variable can hold");
}

TEST(Dotenv, AMistakeQuotesNothingThatMayBeSecret) {
  for (const auto* text : {"A=1\nhunter2", "hunter2==", "A='hunter2' x", "A=\"hunter2"}) {
    EXPECT_THAT(error(text), Not(HasSubstr("hunter2"))) << text;
  }
}

}  // namespace
}  // namespace reeve::ipc
