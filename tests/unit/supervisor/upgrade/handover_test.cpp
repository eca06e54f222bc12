// What one master writes, another reads, be it of another version: what it does not say takes its
// default, and what is wrong, or would be misread, is refused by name.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "ipc/base/unique_fd.hpp"
#include "supervisor/upgrade/handover_codec.hpp"
#include "supervisor/upgrade/handover_rules.hpp"
#include "tests/unit/supervisor/upgrade/handover_sample.hpp"

namespace reeve::supervisor {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

std::string refusal(const std::string& text) {
  const auto handover = decode_handover(text);
  return handover ? "taken" : handover.error().text;
}

/// Calls `visit` for each member of each object, wherever it is.
void for_each_member(Json& json,
                     const std::function<void(Json& object, const std::string&)>& visit) {
  if (json.is_array()) {
    for (Json& one : json) for_each_member(one, visit);
  } else if (json.is_object()) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : json.items()) keys.push_back(key);
    for (const std::string& key : keys) {
      visit(json, key);
      for_each_member(json[key], visit);
    }
  }
}

TEST(Handover, IsReadAsItWasWritten) {
  const std::string text = encode(handover_sample());
  const auto read = decode_handover(text);
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(encode(*read), text);
  EXPECT_EQ(read->pools[0].deployments[0].config, pool_config());
  EXPECT_EQ(read->pools[0].state.slots[1].policy.state(), pool_state().slots[1].policy.state());
  EXPECT_EQ(read->pools[0].lease, lease_state());
  EXPECT_EQ(read->pools[0].processes[0].reports.state(), reports());
  EXPECT_EQ(read->pools[0].processes[1].error.line.partial, "\x80\x81");
  EXPECT_EQ(read->sessions[0].unsent, std::string("{}\0", 3));
}

TEST(Handover, NoMissingFieldIsMisread) {
  const Json whole = Json::parse(encode(handover_sample()));
  Json text = whole;
  int members = 0;
  int defaults = 0;
  for_each_member(text, [&](Json& object, const std::string& key) {
    if (key == "format") return;
    const Json removed = object.at(key);
    object.erase(key);
    const auto read = decode_handover(text.dump());
    if (read) {
      EXPECT_EQ(broken_rule(*read), "") << key;
      ++defaults;
    }
    object[key] = removed;
    ++members;
  });
  EXPECT_GT(members, 150);
  EXPECT_GT(defaults, 100);
  EXPECT_EQ(text, whole);
}

TEST(Handover, AMissingFieldTakesItsDefault) {
  Json text = Json::parse(encode(handover_sample()));
  text["supervisor"].erase("log_keep");
  text["pools"][0]["state"]["workers"][0].erase("recycle_share");
  text["pools"][0]["processes"][0].erase("last_lines");
  const auto read = decode_handover(text.dump());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->supervisor.log_keep, 10);
  EXPECT_EQ(read->pools[0].state.workers[0].recycle_share, 1.0);
  EXPECT_THAT(read->pools[0].processes[0].last_lines, ::testing::IsEmpty());
}

TEST(Handover, WithoutWhatNothingWorksIsRefused) {
  for (const char* key : {"lock_fd", "control_fd", "notify_fd"}) {
    Json text = Json::parse(encode(handover_sample()));
    text.erase(key);
    EXPECT_THAT(refusal(text.dump()), HasSubstr("no descriptor"));
  }
  Json text = Json::parse(encode(handover_sample()));
  text["pools"][0]["processes"][0].erase("pid");
  EXPECT_THAT(refusal(text.dump()), HasSubstr("pid 0"));
}

TEST(Handover, EveryFieldOfAnotherTypeIsNamed) {
  Json text = Json::parse(encode(handover_sample()));
  for_each_member(text, [&](Json& object, const std::string& key) {
    const Json right = object.at(key);
    for (const Json& wrong : {Json{{"an", "object"}}, Json(-1.5)}) {
      if (wrong.is_number() && (key == "jitter" || key == "recycle_share")) continue;
      // Of an object, unknown members are skipped.
      if (wrong.is_object() && (right.is_object() || right.is_null())) continue;
      object[key] = wrong;
      EXPECT_THAT(refusal(text.dump()), HasSubstr(key));
    }
    object[key] = right;
  });
}

TEST(Handover, AnotherFormatIsRefusedBeforeAnythingElseIsRead) {
  for (const char* text : {R"({"format":1,"pools":7})", R"({"format":3,"pools":7})", "{}"}) {
    EXPECT_THAT(refusal(text), AllOf(HasSubstr("has format "), HasSubstr("reads format 2"),
                                     HasSubstr("restart the master instead")));
  }
}

TEST(Handover, NumbersOutOfRangeAreRefused) {
  Json text = Json::parse(encode(handover_sample()));
  text["lock_fd"] = 1LL << 40;
  EXPECT_THAT(refusal(text.dump()), HasSubstr("lock_fd: out of range"));
}

TEST(Handover, WhatALaterVersionAddsIsIgnored) {
  Json text = Json::parse(encode(handover_sample()));
  for_each_member(
      text, [](Json& object, const std::string&) { object["later"] = {{"than", {1, 2, 3}}}; });
  text["later"] = "than this";
  const auto read = decode_handover(text.dump());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(encode(*read), encode(handover_sample()));
}

TEST(Handover, AnEnumeratorOfALaterVersionLeavesTheDefault) {
  Json text = Json::parse(encode(handover_sample()));
  text["supervisor"]["on_fatal"] = 250;
  Json& pool = text["pools"][0];
  pool["deployments"][0]["config"]["spec"]["on_failure"] = 250;
  pool["deployments"][0]["config"]["ready"] = {{"kind", 250}, {"path", "/healthz"}};
  pool["state"]["workers"][1]["killed_for"] = 250;
  pool["processes"][0]["reports"]["resources"][0]["state"] = 250;
  const auto read = decode_handover(text.dump());
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(read->supervisor.on_fatal, OnFatal::Stay);
  const PoolConfig& config = read->pools[0].deployments[0].config;
  EXPECT_EQ(config.spec.on_failure, RollFailure::Rollback);
  EXPECT_EQ(config.ready, ReadyRule(ReadyNotify{}));
  EXPECT_EQ(read->pools[0].state.workers[1].killed_for, std::nullopt);
  EXPECT_EQ(read->pools[0].processes[0].reports.state().resources[0].report.state,
            ipc::ResourceState::Opening);
}

TEST(Handover, AnAddressOfAnUnknownKindIsRefusedByName) {
  Json text = Json::parse(encode(handover_sample()));
  text["listeners"][0]["config"]["address"]["kind"] = 250;
  EXPECT_THAT(refusal(text.dump()),
              HasSubstr("listeners[0].config.address.kind: not known to this version"));
}

TEST(Handover, WhatItsWriterNeedsAndNobodyKnowsHereIsRefusedByName) {
  Json text = Json::parse(encode(handover_sample()));
  EXPECT_EQ(text["needs"], Json::array({"a socket per worker", "a probe"}));
  text["version"] = "7.8.9";
  text["needs"].push_back("time travel");
  EXPECT_THAT(refusal(text.dump()),
              AllOf(HasSubstr("uses \"time travel\""), HasSubstr("reeve 7.8.9 understands"),
                    HasSubstr("restart the master instead")));
  Handover plain = handover_sample();
  plain.listeners[0].config.sockets = Sockets::Shared;
  for (Deployment::State& version : plain.pools[0].deployments) version.config.health.reset();
  plain.pools[0].previous.reset();
  plain.pools[0].adoption.reset();
  EXPECT_EQ(Json::parse(encode(plain))["needs"], Json::array());
}

TEST(Handover, ATrialIsShownAllButTheTails) {
  const Json trial = Json::parse(encode_for_trial(handover_sample()));
  Json whole = Json::parse(encode(handover_sample()));
  EXPECT_EQ(trial["pools"][0]["tails"], Json::array());
  EXPECT_EQ(trial["log_tail"], "");
  whole["pools"][0]["tails"] = Json::array();
  whole["log_tail"] = "";
  EXPECT_EQ(trial, whole);
  EXPECT_TRUE(decode_handover(trial.dump()));
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Whether all that `recorded` says is said in `now`, too.
void expect_kept(const Json& recorded, const Json& now, const std::string& place) {
  if (recorded.is_object()) {
    for (const auto& [key, value] : recorded.items()) {
      ASSERT_TRUE(now.contains(key)) << place << "." << key << " is not read any more";
      expect_kept(value, now[key], place + "." + key);
    }
  } else if (recorded.is_array()) {
    ASSERT_EQ(recorded.size(), now.size()) << place;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      expect_kept(recorded[i], now[i], fmt::format("{}[{}]", place, i));
    }
  } else {
    EXPECT_EQ(recorded, now) << place;
  }
}

/// What released versions have handed over. The file of one that is not released yet is written
/// anew by a run with REEVE_RECORD=FILE.
TEST(Handover, OfEveryRecordedVersionIsRead) {
  if (const char* file = std::getenv("REEVE_RECORD")) {
    std::ofstream(file) << Json::parse(encode(handover_sample())).dump(1) << '\n';
  }
  int versions = 0;
  for (const auto& file : std::filesystem::directory_iterator(
           REEVE_SOURCE_DIR "/tests/unit/supervisor/upgrade/recorded")) {
    const Json recorded = Json::parse(text_of(file.path()));
    const auto read = decode_handover(recorded.dump());
    ASSERT_TRUE(read) << file.path() << ": " << read.error().text;
    Json now = Json::parse(encode(*read));
    now["format"] = recorded["format"];
    expect_kept(recorded, now, file.path().filename());
    ++versions;
  }
  EXPECT_GE(versions, 1);
}

/// So that what is recorded has every field in use.
TEST(Handover, TheSampleSaysSomethingInEveryField) {
  std::map<std::string, bool> says;
  Json text = Json::parse(encode(handover_sample()));
  for_each_member(text, [&says](Json& object, const std::string& key) {
    const Json& value = object[key];
    const bool empty = value.is_string() ? value.get_ref<const std::string&>().empty()
                                         : value.is_null() || (value.is_array() && value.empty());
    bool& any = says[key];
    any = any || !empty;
  });
  for (const auto& [key, any] : says) EXPECT_TRUE(any) << key;
}

TEST(Handover, TextThatIsNoObjectIsRefused) {
  for (const char* text : {"", "null", "[]", "{", "\xff"}) {
    EXPECT_THAT(refusal(text), HasSubstr("no JSON object")) << text;
  }
  EXPECT_THAT(refusal(std::string(100'000, '[')), HasSubstr("no JSON object"));
}

struct Broken {
  const char* name;
  std::function<void(Handover&)> breaks;
  const char* says;
};

class HandoverRule : public ::testing::TestWithParam<Broken> {};

TEST_P(HandoverRule, IsChecked) {
  Handover handover = handover_sample();
  ASSERT_EQ(broken_rule(handover), "");
  GetParam().breaks(handover);
  EXPECT_THAT(broken_rule(handover), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    All, HandoverRule,
    ::testing::Values(
        Broken{"NoLock", [](Handover& h) { h.lock_fd = kNoFd; }, "the lock: no descriptor"},
        Broken{"Stderr", [](Handover& h) { h.control_fd = 2; }, "control socket: no descriptor"},
        Broken{"SharedFd", [](Handover& h) { h.notify_fd = h.control_fd; }, "two owners"},
        Broken{"SlotOrder", [](Handover& h) { h.pools[0].state.slots[1].index = 0; }, "in order"},
        Broken{"NoWorker", [](Handover& h) { h.pools[0].state.slots[0].current = WorkerId{5}; },
               "slots[0]: its worker is not there"},
        Broken{"DownWithWorker",
               [](Handover& h) { h.pools[0].state.slots[0].state = SlotState::Fatal; }, "is down"},
        Broken{"StartsNowhere",
               [](Handover& h) {
                 h.pools[0].state.workers[1].slot = 2;
                 h.pools[0].state.workers[1].phase = WorkerPhase::Starting;
               },
               "starts in no slot"},
        Broken{"WorkerToCome", [](Handover& h) { h.pools[0].state.next_worker = 5; }, "to come"},
        Broken{"NoProcess", [](Handover& h) { h.pools[0].processes.pop_back(); }, "no process"},
        Broken{"Stranger",
               [](Handover& h) { h.pools[0].processes[1].identity.worker = WorkerId{3}; },
               "no worker"},
        Broken{"SamePid", [](Handover& h) { h.pools[0].processes[1].group = 1000; }, "pid 1000"},
        Broken{"PidOne", [](Handover& h) { h.pools[0].processes[1].group = 1; }, "pid 1"},
        Broken{"LeaseOfNobody", [](Handover& h) { h.pools[0].lease.holder = WorkerId{3}; },
               "lease is of a worker that is not there"},
        Broken{"NotDeployed", [](Handover& h) { h.pools[0].state.generation = Generation{3}; },
               "in force"},
        Broken{"NobodysUser", [](Handover& h) { h.pools[0].deployments[0].config.run_as.reset(); },
               "who its user is"},
        Broken{"NoListener", [](Handover& h) { h.pools[0].deployments[0].listeners = {1}; },
               "listener"},
        Broken{"SeatTaken",
               [](Handover& h) {
                 h.pools[0].processes[1].worker_sockets[0].member = SteeredAddress::Member{4};
               },
               "worker socket"},
        Broken{"NoSeat",
               [](Handover& h) {
                 h.pools[0].processes[1].worker_sockets[0].member = SteeredAddress::Member{1};
               },
               "worker socket"},
        Broken{"MemberTwice",
               [](Handover& h) {
                 h.listeners[0].steered->sockets[0].member = SteeredAddress::Member{4};
               },
               "twice"}),
    [](const auto& tested) { return std::string(tested.param.name); });

TEST(HandoverDescriptors, OneThatIsNotWhatItShouldBeIsNamed) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const ipc::UniqueFd first(pair[0]);
  ipc::UniqueFd second(pair[1]);
  using Kind = HandedFd::Kind;
  EXPECT_EQ(wrong_descriptor({{"it", first.get(), Kind::Socket}}), "");
  EXPECT_THAT(wrong_descriptor({{"it", first.get(), Kind::Pipe}}), HasSubstr("something else"));
  second.reset();
  EXPECT_THAT(wrong_descriptor({{"it", pair[1], Kind::Socket}}), HasSubstr("not open"));
}

}  // namespace
}  // namespace reeve::supervisor
