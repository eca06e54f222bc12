// What one master writes, another reads exactly so; and whatever is missing or wrong is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "ipc/base/unique_fd.hpp"
#include "supervisor/upgrade/handover_codec.hpp"
#include "supervisor/upgrade/handover_descriptors.hpp"
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
  EXPECT_EQ(read->pools[0].state.slots[1].policy.past(), pool_state().slots[1].policy.past());
  EXPECT_EQ(read->pools[0].lease, lease_state());
  EXPECT_EQ(read->pools[0].processes[0].reports, reports());
  EXPECT_EQ(read->pools[0].processes[1].error.partial, "\x80\x81");
  EXPECT_EQ(read->sessions[0].unsent, std::string("{}\0", 3));
}

TEST(Handover, EveryMissingFieldIsNamed) {
  const Json whole = Json::parse(encode(handover_sample()));
  Json text = whole;
  int members = 0;
  for_each_member(text, [&](Json& object, const std::string& key) {
    const Json removed = object.at(key);
    object.erase(key);
    EXPECT_THAT(refusal(text.dump()), AllOf(HasSubstr(key), HasSubstr("missing")));
    object[key] = removed;
    ++members;
  });
  EXPECT_GT(members, 150);
  EXPECT_EQ(text, whole);
}

TEST(Handover, EveryFieldOfAnotherTypeIsNamed) {
  Json text = Json::parse(encode(handover_sample()));
  for_each_member(text, [&](Json& object, const std::string& key) {
    const Json right = object.at(key);
    for (const Json& wrong : {Json{{"an", "object"}}, Json(-1.5)}) {
      if (wrong.is_number() && (key == "jitter" || key == "recycle_share")) continue;
      object[key] = wrong;
      EXPECT_THAT(refusal(text.dump()), HasSubstr(key));
    }
    object[key] = right;
  });
}

TEST(Handover, AnotherFormatIsRefusedBeforeAnythingElseIsRead) {
  EXPECT_THAT(refusal(R"({"format":2,"pools":7})"),
              AllOf(HasSubstr("format 2"), HasSubstr("restart the master instead")));
}

TEST(Handover, NumbersOutOfRangeAreRefused) {
  Json text = Json::parse(encode(handover_sample()));
  text["pools"][0]["state"]["workers"][1]["phase"] = 4;
  EXPECT_THAT(refusal(text.dump()), HasSubstr("pools[0].state.workers[1].phase: expected 0 to 3"));
  text["pools"][0]["state"]["workers"][1]["phase"] = 2;
  text["lock_fd"] = 1LL << 40;
  EXPECT_THAT(refusal(text.dump()), HasSubstr("lock_fd: out of range"));
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
        Broken{"Stranger", [](Handover& h) { h.pools[0].processes[1].worker = WorkerId{3}; },
               "no worker"},
        Broken{"SamePid", [](Handover& h) { h.pools[0].processes[1].pid = 1000; }, "pid 1000"},
        Broken{"PidOne", [](Handover& h) { h.pools[0].processes[1].pid = 1; }, "pid 1"},
        Broken{"LeaseOfNobody", [](Handover& h) { h.pools[0].lease.holder = WorkerId{3}; },
               "lease is of a worker that is not there"},
        Broken{"NotDeployed", [](Handover& h) { h.pools[0].state.generation = Generation{3}; },
               "in force"},
        Broken{"NoListener", [](Handover& h) { h.pools[0].deployments[0].listeners = {1}; },
               "listener"},
        Broken{"SeatTaken",
               [](Handover& h) { h.pools[0].processes[1].worker_sockets[0].member = 4; },
               "worker_socket"},
        Broken{"NoSeat", [](Handover& h) { h.pools[0].processes[1].worker_sockets[0].member = 1; },
               "worker_socket"},
        Broken{"MemberTwice", [](Handover& h) { h.listeners[0].steered->sockets[0].member = 4; },
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
