#include "ipc/control/parts.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "ipc/control/frame_reader.hpp"

namespace reeve::ipc::control {
namespace {

/// The parts as a client reads them: each frame within the limit of its reader.
std::vector<Reply> read_parts(const std::string& frames) {
  FrameReader reader;
  std::vector<Reply> parts;
  constexpr std::size_t kChunk = 16 << 10;
  for (std::size_t at = 0; at < frames.size(); at += kChunk) {
    const auto fed = reader.feed(std::string_view(frames).substr(at, kChunk));
    EXPECT_TRUE(fed) << fed.error().text;
    if (!fed) break;
    while (const auto frame = reader.next()) parts.push_back(decode_reply(*frame).value());
  }
  return parts;
}

Reply together(const std::vector<Reply>& parts) {
  Reply whole;
  for (const Reply& part : parts) append(whole, part);
  return whole;
}

TEST(ReplyParts, AnAnswerThatFitsIsOneFrame) {
  const Reply reply{.text = "log", .master_pid = 7};
  EXPECT_EQ(encode_frames(reply), encode(reply) + '\0');
}

TEST(ReplyParts, TheStatusOfTenThousandSlotsArrivesWhole) {
  Reply reply{.master_pid = 7};
  for (int slot = 0; slot < 10'000; ++slot) {
    const std::string name = fmt::format("web:{}", slot);
    reply.processes.push_back({.name = name, .state = "FATAL", .detail = std::string(200, 'x')});
    reply.verdicts.push_back({.name = name, .ok = true, .code = "started", .text = ""});
  }
  const auto parts = read_parts(encode_frames(reply));
  ASSERT_GT(parts.size(), 1U);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ(parts[i].continues, i + 1 < parts.size());
  }
  const Reply whole = together(parts);
  EXPECT_EQ(whole.master_pid, 7);
  EXPECT_EQ(whole.processes.size(), reply.processes.size());
  EXPECT_EQ(whole.verdicts.size(), reply.verdicts.size());
}

TEST(ReplyParts, ATextIsCutBetweenItsLines) {
  Reply reply{.continues = true};
  for (int line = 0; line < 200'000; ++line) reply.text += fmt::format("line {}\n", line);
  const auto parts = read_parts(encode_frames(reply));
  ASSERT_GT(parts.size(), 1U);
  for (const Reply& part : parts) EXPECT_TRUE(part.text.ends_with('\n'));
  EXPECT_EQ(together(parts), reply);
}

TEST(ReplyParts, ACharacterOfALongLineIsNotCut) {
  Reply reply;
  for (int i = 0; i < 1'000'000; ++i) reply.text += "\u00e9";
  EXPECT_EQ(together(read_parts(encode_frames(reply))).text, reply.text);
}

TEST(ReplyParts, ALineThatFitsIntoNoFrameIsAnError) {
  Reply reply;
  reply.verdicts.push_back(
      {.name = std::string(2 << 20, 'x'), .ok = false, .code = "", .text = ""});
  const auto parts = read_parts(encode_frames(reply));
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_THAT(parts[0].error.value_or(""), testing::HasSubstr("longer than 1 MiB"));
}

TEST(ReplyParts, AnErrorOfAnySizeIsOneFrame) {
  EXPECT_EQ(read_parts(encode_frames({.error = std::string(4 << 20, 'x')})).size(), 1U);
}

}  // namespace
}  // namespace reeve::ipc::control
