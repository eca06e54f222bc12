// What a worker's last words look like to the master, hostile ones included.

#include "ipc/recorder/black_box.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ipc/recorder/recorder.hpp"
#include "ipc/recorder/symbol.hpp"

namespace reeve::ipc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BlackBoxTest : public ::testing::Test {
 protected:
  void write_stacks(std::string_view text) { BlackBoxWriter(box_.stacks).add(text); }

  Recorder recorder_ = Recorder::detached();
  BlackBox& box_ = recorder_.black_box();
};

TEST_F(BlackBoxTest, IsEmptyAtFirst) { EXPECT_EQ(read(box_), BlackBoxReading{}); }

TEST_F(BlackBoxTest, LinesWithNamesMadeReadable) {
  write_stacks("thread 7 (web)\n");
  write_stacks("  #0 0x12 _ZN5reeve5probe4spinEv in web\n");
  BlackBoxWriter(box_.crash).add("SIGSEGV at address 0x0");
  box_.dumped = 1;
  const BlackBoxReading reading = read(box_);
  EXPECT_THAT(reading.stacks, ElementsAre("thread 7 (web)", "  #0 0x12 reeve::probe::spin in web"));
  EXPECT_THAT(reading.crash, ElementsAre("SIGSEGV at address 0x0"));
  EXPECT_THAT(reading.exception, IsEmpty());
  EXPECT_TRUE(reading.dumped);
}

TEST_F(BlackBoxTest, TooMuchIsCutAndSaidSo) {
  for (int i = 0; i < 1000; ++i) write_stacks(std::string(99, 'x') + '\n');
  EXPECT_THAT(read(box_).stacks.back(), "(there was no room for more)");
}

TEST_F(BlackBoxTest, AWildSizeReadsNothingOutside) {
  box_.stacks.size = ~std::uint64_t{0};
  box_.crash.size = 1 << 30;
  EXPECT_THAT(read(box_).stacks, ElementsAre("(there was no room for more)"));
}

TEST_F(BlackBoxTest, ControlCharactersDoNotReachATerminal) {
  write_stacks("\x1b[2Jgone\rover\n");
  EXPECT_THAT(read(box_).stacks, ElementsAre("?[2Jgone over"));
}

TEST_F(BlackBoxTest, AMillionLinesAreABoundedNumber) {
  write_stacks(std::string(40'000, 'x'));
  std::string many;
  for (int i = 0; i < 4000; ++i) many += "y\n";
  write_stacks("\n" + many);
  EXPECT_THAT(read(box_).stacks, SizeIs(512));
}

TEST(Symbol, Readable) {
  EXPECT_EQ(readable_symbol("_ZN5reeve5probe4spinEv"), "reeve::probe::spin");
  EXPECT_EQ(readable_symbol("_Z4mainv"), "main");
  const std::string hostile(std::size_t{48} << 10, 'L');  // A worker writes what it likes.
  EXPECT_EQ(readable_symbol("_ZN" + hostile), "_ZN" + hostile);
  EXPECT_EQ(readable_symbol("_ZN" + hostile + "4mainEv"), "main");
  EXPECT_EQ(readable_symbol("_ZN5reeve5probe12_GLOBAL__N_15crashEv"),
            "reeve::probe::(anonymous)::crash");
  EXPECT_EQ(readable_symbol("_ZNK5reeve6worker4Life4codeEv"), "reeve::worker::Life::code");
  EXPECT_EQ(readable_symbol("_ZNSt6vectorIiSaIiEE9push_backERKi"), "std::vector<>::push_back");
  EXPECT_EQ(readable_symbol("_ZN5reeve4TaskINS_8ResponseEE6resumeEv"), "reeve::Task<>::resume");
  EXPECT_EQ(readable_symbol("_ZN5reeve3AppC2Ev"), "reeve::App::(constructor)");
  EXPECT_EQ(readable_symbol("_ZZN5reeve3App3runEiPPcENKUlvE_clEv"), "reeve::App::run::(lambda)");
  EXPECT_EQ(readable_symbol("_ZZ4mainENKUlRKN5reeve7RequestEE_clES2_"), "main::(lambda)");
  EXPECT_EQ(readable_symbol("_ZZZ4mainENKUlvE_clEvENKUlvE0_clEv"), "main::(lambda)::(lambda)");
  EXPECT_EQ(readable_symbol("_ZZ4mainE5count"), "main::count");
  EXPECT_EQ(readable_symbol("_ZZ4mainEs"), "main") << "a string of it";
}

TEST(Symbol, WhatItCannotReadStaysAsItIs) {
  for (const char* name : {"main", "", "_Z", "_ZN", "_ZN99999999abc", "_ZNE", "_ZSt"}) {
    EXPECT_EQ(readable_symbol(name), name);
  }
  EXPECT_EQ(readable_symbol("_ZN5reeveI" + std::string(100'000, 'I')), "reeve<>");
}

}  // namespace
}  // namespace reeve::ipc
