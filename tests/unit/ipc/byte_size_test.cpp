#include "ipc/base/byte_size.hpp"

#include <gtest/gtest.h>

namespace reeve::ipc {
namespace {

TEST(ByteSize, HasUnitsOfBothKinds) {
  EXPECT_EQ(parse_byte_size("512MiB"), 512ULL << 20);
  EXPECT_EQ(parse_byte_size("1GB"), 1'000'000'000ULL);
  EXPECT_EQ(parse_byte_size("64KiB"), 64ULL << 10);
  EXPECT_EQ(parse_byte_size("3kB"), 3'000ULL);
  EXPECT_EQ(parse_byte_size("3KB"), 3'000ULL);
  EXPECT_EQ(parse_byte_size("2TiB"), 2ULL << 40);
  EXPECT_EQ(parse_byte_size("7B"), 7ULL);
  EXPECT_EQ(parse_byte_size("4096"), 4096ULL);
  EXPECT_EQ(parse_byte_size("0"), 0ULL);
}

TEST(ByteSize, RefusesWhatIsNone) {
  for (const char* text : {"", "MiB", "-1", "1.5GiB", "1 MiB", " 1", "1mib", "1M", "1MiBx", "1K"}) {
    EXPECT_EQ(parse_byte_size(text), std::nullopt) << '"' << text << '"';
  }
}

TEST(ByteSize, RefusesWhatNoIntegerHolds) {
  EXPECT_EQ(parse_byte_size("9223372036854775807"), 9223372036854775807ULL);
  EXPECT_EQ(parse_byte_size("9223372036854775808"), std::nullopt);
  EXPECT_EQ(parse_byte_size("8388608TiB"), std::nullopt);
  EXPECT_EQ(parse_byte_size("99999999999999999999"), std::nullopt);
}

TEST(ByteSize, IsWrittenAsItIsRead) {
  for (const char* text : {"0", "1", "512MiB", "1GB", "64KiB", "3kB", "1TiB", "1025"}) {
    EXPECT_EQ(write_byte_size(parse_byte_size(text).value()), text);
  }
}

}  // namespace
}  // namespace reeve::ipc
