#include "ipc/base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace reeve::ipc {
namespace {

TEST(Printable, KeepsUtf8) { EXPECT_EQ(printable("größer €😀", 100), "größer €😀"); }

TEST(Printable, HidesTerminalEscapes) {
  EXPECT_EQ(printable("\x1b[2Jboo\x7f", 100), "?[2Jboo?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m",
                      100),
            "?31m");  // C1 CSI in UTF-8.
  EXPECT_EQ(printable("a\xe2\x80\xae"
                      "b",
                      100),
            "a?b");  // Right-to-left override.
}

TEST(Printable, IsOneLine) { EXPECT_EQ(printable("a\r\nb\tc", 100), "a  b c"); }

TEST(Printable, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(printable("a\xff"
                      "b",
                      100),
            "a?b");
  EXPECT_EQ(printable("\xc0\xaf", 100), "??");            // Overlong '/'.
  EXPECT_EQ(printable("\xe0\x80\xaf", 100), "???");       // Overlong, three bytes.
  EXPECT_EQ(printable("\xed\xa0\x80", 100), "???");       // A surrogate.
  EXPECT_EQ(printable("\xf4\x90\x80\x80", 100), "????");  // Past U+10FFFF.
  EXPECT_EQ(printable("\xe2\x82", 100), "??");            // Cut off.
  EXPECT_EQ(printable(std::string_view("a\0b", 3), 100), "a?b");
}

TEST(Printable, CutsAtAWholeCharacter) {
  EXPECT_EQ(printable("ab€", 4), "ab");
  EXPECT_EQ(printable("ab€", 5), "ab€");
  EXPECT_EQ(printable("abc", 0), "");
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("42"), 42);
  EXPECT_EQ(parse_number<int>("-42"), -42);
  EXPECT_EQ(parse_number<std::uint8_t>("255"), 255);
  EXPECT_FALSE(parse_number<std::uint8_t>("256"));
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_number<int>(text)) << text;
  }
}

}  // namespace
}  // namespace reeve::ipc
