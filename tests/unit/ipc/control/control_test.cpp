#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "ipc/control/frame_reader.hpp"
#include "ipc/control/protocol.hpp"
#include "ipc/version.hpp"

namespace reeve::ipc::control {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view frame) {
  const auto request = decode_request(frame);
  return request ? "" : request.error().text;
}

TEST(ControlRequest, SurvivesTheWire) {
  const Request restart{.method = Method::Restart, .names = {"web", "jobs:0"}, .hard = true};
  EXPECT_EQ(decode_request(encode(restart)), restart);
  const Request tail{.method = Method::Tail, .names = {"web:0"}, .more = true, .bytes = 77};
  EXPECT_EQ(decode_request(encode(tail)), tail);
  const Request signal{.method = Method::Signal, .names = {"all"}, .signal = "HUP"};
  EXPECT_EQ(decode_request(encode(signal)), signal);
  const Request inside{.method = Method::Status, .lifespan = true, .schedule = true};
  EXPECT_EQ(decode_request(encode(inside)), inside);
  const Request scale{.method = Method::Scale, .names = {"web"}, .scale = ScaleBy{true, -2}};
  EXPECT_EQ(decode_request(encode(scale)), scale);
  const Request odd{.method = Method::Scale, .bytes = 77};  // Not for this method, and kept.
  EXPECT_EQ(decode_request(encode(odd)), odd);
}

TEST(ControlRequest, EveryMethodSurvivesTheWire) {
  for (int i = 0; i <= static_cast<int>(Method::Maintail); ++i) {
    const Request request{.method = static_cast<Method>(i)};
    EXPECT_EQ(decode_request(encode(request)), request) << to_string(request.method);
  }
}

TEST(ControlRequest, IsVarlink) {
  EXPECT_EQ(encode({.method = Method::Stop, .names = {"web"}}),
            R"({"method":"dev.reeve.Stop","parameters":{"names":["web"]}})");
  EXPECT_EQ(decode_request(R"({"method":"dev.reeve.Status"})"), Request{});
}

TEST(ControlRequest, UnknownMembersAreSkipped) {
  EXPECT_EQ(decode_request(R"({"method":"dev.reeve.Status","x":1,"parameters":{"y":[{}]}})"),
            Request{});
}

TEST(ControlRequest, GarbageIsAnErrorThatSaysWhy) {
  EXPECT_THAT(error_of(""), HasSubstr("not JSON"));
  EXPECT_THAT(error_of("hello"), HasSubstr("not JSON"));
  EXPECT_THAT(error_of("\"\xff\""), HasSubstr("not JSON"));
  EXPECT_THAT(error_of("[]"), HasSubstr("not an object"));
  EXPECT_THAT(error_of("{}"), HasSubstr("unknown method \"\""));
  EXPECT_THAT(error_of(R"({"method":"dev.reeve.Fly"})"),
              HasSubstr("unknown method \"dev.reeve.Fly\""));
  EXPECT_THAT(error_of(R"({"method":"Status"})"), HasSubstr("unknown method"));
  EXPECT_THAT(error_of(R"({"method":"\u001b[2J"})"), HasSubstr("\"?[2J\""));
}

TEST(ControlRequest, WrongTypesAreNamed) {
  const auto with = [](std::string_view parameters) {
    return error_of(R"({"method":"dev.reeve.Tail","parameters":)" + std::string(parameters) + "}");
  };
  EXPECT_THAT(with("[]"), HasSubstr("not an object"));
  EXPECT_THAT(with(R"({"names":"web"})"), HasSubstr("names: expected an array"));
  EXPECT_THAT(with(R"({"names":[1]})"), HasSubstr("names[0]: expected a string"));
  EXPECT_THAT(with(R"({"hard":1})"), HasSubstr("hard: expected true or false"));
  EXPECT_THAT(with(R"({"bytes":-1})"), HasSubstr("bytes: out of range"));
  EXPECT_THAT(with(R"({"bytes":1.5})"), HasSubstr("bytes: expected a whole number"));
  EXPECT_THAT(with(R"({"signal":9})"), HasSubstr("signal: expected a string"));
  EXPECT_THAT(with(R"({"scale":"many"})"), HasSubstr("scale: expected N, +N or -N"));
}

TEST(ControlRequest, TheTailIsBounded) {
  const auto request =
      decode_request(R"({"method":"dev.reeve.Tail","parameters":{"bytes":18446744073709551615}})");
  EXPECT_EQ(request->bytes, kMaxTailBytes);
}

TEST(ControlRequest, DeepNestingIsRefused) {
  EXPECT_THAT(error_of(std::string(kMaxFrameBytes, '[')), HasSubstr("nested too deeply"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(error_of(objects), HasSubstr("nested too deeply"));
}

TEST(ControlReply, SurvivesTheWire) {
  const Process process{.name = "web:0",
                        .state = "RUNNING",
                        .pid = 4711,
                        .generation = 3,
                        .uptime = std::chrono::milliseconds(3'600'001),
                        .detail = "because",
                        .worker_state = "Running",
                        .status = "fine",
                        .requests = 18'446'744'073'709'551'615u,
                        .in_flight = 2};
  const Reply reply{.continues = true,
                    .error = {},
                    .processes = {process, {}},
                    .verdicts = {{"web:0", true, "started", "two\nlines"}},
                    .text = "log",
                    .event = Event{.time = "2026-01-31T23:59:59.123Z",
                                   .kind = "exit",
                                   .name = "web:0",
                                   .text = "killed by SIGSEGV"},
                    .master_pid = 1};
  EXPECT_EQ(decode_reply(encode(reply)), reply);
}

TEST(ControlReply, WhatAWorkerTellsOfItsInsideSurvivesTheWire) {
  using namespace std::chrono_literals;
  const ResourceReport down{.name = "database/pool",
                            .state = ResourceState::Down,
                            .phase = "connections",
                            .required = false,
                            .took = 1500us,
                            .detail = "refused"};
  const ScheduledReport cleanup{.name = "cleanup",
                                .schedule = "*/5 * * * *",
                                .scope = ScheduleScope::One,
                                .here = true,
                                .next = ScheduledReport::WallTime(1'700'000'000'001ms),
                                .last = ScheduledReport::WallTime(0ms),
                                .took = 20ms,
                                .result = RunResult::Missed,
                                .running = 2,
                                .detail = "no disk"};
  const Reply reply{.phases = {{"web:0", 7, "[1/5] environment", 3us, true}, {}},
                    .resources = {{"web:0", 7, down, 1234ms}, {}},
                    .schedule = {{"web:0", 7, cleanup}, {}}};
  EXPECT_EQ(decode_reply(encode(reply)), reply);
  const auto strange = decode_reply(R"({"parameters":{"resources":[{"state":"melting"}]}})");
  ASSERT_TRUE(strange) << "a master of a later version may know more words";
  EXPECT_EQ(strange->resources.at(0).report.state, ResourceReport{}.state);
}

TEST(ControlReply, OneOfAnotherVersionIsReadAsFarAsItIsKnown) {
  const auto newer = decode_reply(
      R"({"colour":1,"parameters":{"master_pid":7,"processes":[{"name":"web:0","mood":[1]}],"x":{}}})");
  ASSERT_TRUE(newer) << newer.error().text;
  EXPECT_EQ(*newer, (Reply{.processes = {{.name = "web:0"}}, .master_pid = 7}));
  EXPECT_EQ(decode_reply(R"({"parameters":{}})").value(), Reply{}) << "an older one says less";
}

TEST(ControlRequest, OneOfAnotherVersionIsReadAsFarAsItIsKnown) {
  const auto newer = decode_request(
      R"({"method":"dev.reeve.Status","oneway":false,"parameters":{"names":["web"],"depth":3}})");
  ASSERT_TRUE(newer) << newer.error().text;
  EXPECT_EQ(*newer, (Request{.method = Method::Status, .names = {"web"}}));
  EXPECT_EQ(decode_request(R"({"method":"dev.reeve.Tail"})").value(),
            (Request{.method = Method::Tail}));
  EXPECT_THAT(error_of(R"({"method":"dev.reeve.Fly"})"),
              HasSubstr(std::string("this master is version ") + kVersion));
}

TEST(ControlReply, AnErrorSurvivesTheWire) {
  const Reply reply{.error = "no pool named \"wbe\" (did you mean \"web\"?)"};
  EXPECT_EQ(decode_reply(encode(reply)), reply);
  EXPECT_EQ(decode_reply(R"({"error":"org.varlink.service.MethodNotFound"})")->error,
            "org.varlink.service.MethodNotFound");
}

TEST(ControlReply, WordsThatAreNoUtf8LoseAByteNotTheReply) {
  const auto reply = decode_reply(encode(Reply{.text = "a\xff"
                                                       "b"}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->text,
            "a\xef\xbf\xbd"
            "b");
}

TEST(ControlReply, TheLargestTailFitsIntoAFrame) {
  EXPECT_LT(encode(Reply{.text = std::string(kMaxTailBytes, '\x01')}).size(), kMaxFrameBytes);
}

TEST(ControlReply, GarbageIsAnError) {
  EXPECT_FALSE(decode_reply("nonsense"));
  EXPECT_FALSE(decode_reply(R"({"parameters":{"processes":[7]}})"));
  EXPECT_FALSE(decode_reply(R"({"parameters":{"processes":[{"pid":99999999999}]}})"));
  EXPECT_FALSE(decode_reply(R"({"continues":"yes"})"));
}

TEST(ParseScale, ReadsAbsoluteAndRelative) {
  EXPECT_EQ(parse_scale("4"), (ScaleBy{false, 4}));
  EXPECT_EQ(parse_scale("+1"), (ScaleBy{true, 1}));
  EXPECT_EQ(parse_scale("-2"), (ScaleBy{true, -2}));
  for (const char* text : {"", "+", "-", "+-1", "--1", " 1", "1.5", "10001", "99999999999"}) {
    EXPECT_FALSE(parse_scale(text)) << text;
  }
}

TEST(FrameReader, CutsFramesAtNul) {
  FrameReader reader;
  EXPECT_FALSE(reader.next());
  ASSERT_TRUE(reader.feed("ab"));
  EXPECT_FALSE(reader.next());
  ASSERT_TRUE(reader.feed(std::string_view("c\0def\0\0g", 8)));
  EXPECT_EQ(reader.next(), "abc");
  EXPECT_EQ(reader.next(), "def");
  EXPECT_EQ(reader.next(), "");
  EXPECT_FALSE(reader.next());
  ASSERT_TRUE(reader.feed(std::string_view("\0", 1)));
  EXPECT_EQ(reader.next(), "g");
}

TEST(FrameReader, RefusesAFrameThatIsTooLong) {
  FrameReader reader;
  ASSERT_TRUE(reader.feed(std::string(kMaxFrameBytes, 'x')));
  EXPECT_FALSE(reader.feed("x"));
}

TEST(FrameReader, TakesTheLongestFrame) {
  FrameReader reader;
  ASSERT_TRUE(reader.feed(std::string(kMaxFrameBytes, 'x') + '\0'));
  EXPECT_EQ(reader.next()->size(), kMaxFrameBytes);
}

TEST(FrameReader, RefusesToHoardFrames) {
  FrameReader reader;
  const std::string frame = std::string(1000, 'x') + '\0';
  Result<> fed;
  for (int i = 0; fed && i < 10'000; ++i) fed = reader.feed(frame);
  EXPECT_FALSE(fed);
}

TEST(FrameReader, AMillionTinyPiecesAreCheap) {
  FrameReader reader;
  for (std::size_t i = 0; i < kMaxFrameBytes; ++i) {
    ASSERT_TRUE(reader.feed("x"));
    ASSERT_FALSE(reader.next());
  }
}

TEST(ControlRequest, LogsAndEventsAreFollowed) {
  EXPECT_TRUE(follows({.method = Method::Tail, .more = true}));
  EXPECT_TRUE(follows({.method = Method::Maintail, .more = true}));
  EXPECT_TRUE(follows({.method = Method::Events}));
  EXPECT_FALSE(follows({.method = Method::Tail}));
  // What tells how it goes ends with a verdict.
  EXPECT_FALSE(follows({.method = Method::Deploy, .more = true}));
}

}  // namespace
}  // namespace reeve::ipc::control
