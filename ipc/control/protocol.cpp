#include "ipc/control/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/version.hpp"

namespace reeve::ipc::control {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kInterface = "dev.reeve.";
constexpr int kMaxDepth = 8;  // Ours has 4. Bounds what a frame full of '[' can cost.

/// Reads the members of one object into typed places. A missing member leaves its place alone, a
/// member of another type is an error, and a member that is not asked for is skipped: a peer of
/// another version may say more.
class Members {
 public:
  explicit Members(const Json& object) : object_(object) {
    if (!object.is_object()) error_ = "not an object";
  }

  void read(const char* key, std::string& into) {
    with(key, &Json::is_string, "a string", [&](const Json& value) { into = value; });
  }

  void read(const char* key, bool& into) {
    with(key, &Json::is_boolean, "true or false", [&](const Json& value) { into = value; });
  }

  template <std::integral T>
  void read(const char* key, T& into) {
    with(key, &Json::is_number_integer, "a whole number", [&](const Json& value) {
      const auto store = [&](auto number) {
        if (std::in_range<T>(number))
          into = static_cast<T>(number);
        else
          refuse(key, "out of range");
      };
      if (value.is_number_unsigned())
        store(value.get<std::uint64_t>());
      else
        store(value.get<std::int64_t>());
    });
  }

  template <class Rep, class Period>
  void read(const char* key, std::chrono::duration<Rep, Period>& into) {
    Rep count = into.count();
    read(key, count);
    into = std::chrono::duration<Rep, Period>(count);
  }

  void read(const char* key, std::optional<ScheduledReport::WallTime>& into) {
    if (!object_.contains(key)) return;
    ScheduledReport::WallTime::duration since{};
    read(key, since);
    into = ScheduledReport::WallTime(since);
  }

  /// A word of a fixed list.
  template <class Enum>
  void read(const char* key, Enum& into, std::optional<Enum> (*parse_word)(std::string_view)) {
    with(key, &Json::is_string, "a string", [&](const Json& value) {
      // A peer of a later version may know more words.
      if (const auto word = parse_word(value.get_ref<const std::string&>())) into = *word;
    });
  }

  void read(const char* key, std::vector<std::string>& into) {
    with(key, &Json::is_array, "an array", [&](const Json& values) {
      for (const Json& value : values) {
        if (!value.is_string()) return refuse(key, "expected an array of strings");
        into.push_back(value);
      }
    });
  }

  /// Reads an object, when there is one; `read_one` takes Members and a T.
  template <class T>
  void read(const char* key, std::optional<T>& into, void (*read_one)(Members&, T&)) {
    with(key, &Json::is_object, "an object", [&](const Json& value) {
      Members members(value);
      read_one(members, into.emplace());
      if (!members.error_.empty()) refuse(key, members.error_);
    });
  }

  /// Reads an array of objects; `read_one` takes Members and a T.
  template <class T>
  void read(const char* key, std::vector<T>& into, void (*read_one)(Members&, T&)) {
    with(key, &Json::is_array, "an array", [&](const Json& values) {
      for (const Json& value : values) {
        Members members(value);
        T one;
        read_one(members, one);
        if (!members.error_.empty()) return refuse(key, members.error_);
        into.push_back(std::move(one));
      }
    });
  }

  void refuse(const char* key, std::string_view why) {
    if (error_.empty()) error_ = fmt::format("{}: {}", key, why);
  }

  /// The first error, once everything was read.
  [[nodiscard]] Result<> done() const {
    if (error_.empty()) return {};
    return failure(fmt::format("control message: {}", error_));
  }

 private:
  template <class Store>
  void with(const char* key, bool (Json::*is)() const noexcept, const char* expected, Store store) {
    const auto member = object_.find(key);
    if (member == object_.end()) return;
    if (!((*member).*is)()) return refuse(key, fmt::format("expected {}", expected));
    store(*member);
  }

  const Json& object_;
  std::string error_;
};

/// The frame as an object with an object under "parameters".
Result<Json> parse(std::string_view frame) {
  bool too_deep = false;
  const auto limit_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json json = Json::parse(frame, limit_depth, /*allow_exceptions=*/false);
  if (too_deep) return failure("control message: nested too deeply");
  if (json.is_discarded()) return failure("control message: not JSON");
  if (!json.is_object()) return failure("control message: not an object");
  if (!json.contains("parameters")) json["parameters"] = Json::object();
  return json;
}

// A worker's words may be no UTF-8 at all; then they lose a byte rather than the reply.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json to_json(const Process& process) {
  return {{"name", process.name},
          {"state", process.state},
          {"pid", process.pid},
          {"generation", process.generation},
          {"uptime_ms", process.uptime.count()},
          {"detail", process.detail},
          {"worker_state", process.worker_state},
          {"status", process.status_text},
          {"trouble", process.trouble},
          {"requests", process.requests},
          {"in_flight", process.in_flight}};
}

void read_process(Members& members, Process& process) {
  std::int64_t uptime_ms = 0;
  members.read("name", process.name);
  members.read("state", process.state);
  members.read("pid", process.pid);
  members.read("generation", process.generation);
  members.read("uptime_ms", uptime_ms);
  members.read("detail", process.detail);
  members.read("worker_state", process.worker_state);
  members.read("status", process.status_text);
  members.read("trouble", process.trouble);
  members.read("requests", process.requests);
  members.read("in_flight", process.in_flight);
  process.uptime = std::chrono::milliseconds(uptime_ms);
}

Json to_json(const Phase& phase) {
  return {{"process", phase.process},
          {"pid", phase.pid},
          {"name", phase.name},
          {"took_us", phase.took.count()},
          {"done", phase.done}};
}

void read_phase(Members& members, Phase& phase) {
  members.read("process", phase.process);
  members.read("pid", phase.pid);
  members.read("name", phase.name);
  members.read("took_us", phase.took);
  members.read("done", phase.done);
}

Json to_json(const Resource& resource) {
  const ResourceReport& report = resource.report;
  return {{"process", resource.process},
          {"pid", resource.pid},
          {"name", report.name},
          {"state", to_string(report.state)},
          {"phase", report.phase},
          {"required", report.required},
          {"took_us", report.took.count()},
          {"since_ms", resource.since.count()},
          {"detail", report.detail}};
}

void read_resource(Members& members, Resource& resource) {
  ResourceReport& report = resource.report;
  members.read("process", resource.process);
  members.read("pid", resource.pid);
  members.read("name", report.name);
  members.read("state", report.state, parse_resource_state);
  members.read("phase", report.phase);
  members.read("required", report.required);
  members.read("took_us", report.took);
  members.read("since_ms", resource.since);
  members.read("detail", report.detail);
}

Json to_json(const ScheduledJob& scheduled) {
  const ScheduledReport& report = scheduled.report;
  Json json = {{"process", scheduled.process},
               {"pid", scheduled.pid},
               {"name", report.name},
               {"schedule", report.schedule},
               {"scope", report.one ? "one" : "each"},
               {"here", report.here},
               {"took_us", report.took.count()},
               {"result", to_string(report.result)},
               {"running", report.running},
               {"detail", report.detail}};
  if (report.next) json["next_ms"] = report.next->time_since_epoch().count();
  if (report.last) json["last_ms"] = report.last->time_since_epoch().count();
  return json;
}

void read_scheduled_job(Members& members, ScheduledJob& scheduled) {
  ScheduledReport& report = scheduled.report;
  std::string scope;
  members.read("process", scheduled.process);
  members.read("pid", scheduled.pid);
  members.read("name", report.name);
  members.read("schedule", report.schedule);
  members.read("scope", scope);
  members.read("here", report.here);
  members.read("next_ms", report.next);
  members.read("last_ms", report.last);
  members.read("took_us", report.took);
  members.read("result", report.result, parse_run_result);
  members.read("running", report.running);
  members.read("detail", report.detail);
  report.one = scope == "one";
}

Json to_json(const Verdict& verdict) {
  return {
      {"name", verdict.name}, {"ok", verdict.ok}, {"code", verdict.code}, {"text", verdict.text}};
}

void read_verdict(Members& members, Verdict& verdict) {
  members.read("name", verdict.name);
  members.read("ok", verdict.ok);
  members.read("code", verdict.code);
  members.read("text", verdict.text);
}

void read_event(Members& members, Event& event) {
  members.read("time", event.time);
  members.read("kind", event.kind);
  members.read("name", event.name);
  members.read("text", event.text);
}

template <class T>
Json to_array(const std::vector<T>& values) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(to_json(value));
  return array;
}

std::optional<Method> parse_method(std::string_view name) {
  if (!name.starts_with(kInterface)) return std::nullopt;
  name.remove_prefix(kInterface.size());
  const auto* known = std::ranges::find(kMethods, name, &MethodTraits::name);
  return known == kMethods.end() ? std::nullopt : std::optional(known->method);
}

}  // namespace

std::string encode(const Request& request) {
  Json parameters = {{"names", request.names}};
  if (request.hard) parameters["hard"] = true;
  if (request.wait) parameters["wait"] = true;
  if (request.canary != 0) parameters["canary"] = request.canary;
  if (request.watch.count() != 0) parameters["watch_ms"] = request.watch.count();
  if (request.bytes != Request{}.bytes) parameters["bytes"] = request.bytes;
  if (!request.signal.empty()) parameters["signal"] = request.signal;
  if (request.scale) parameters["scale"] = to_string(*request.scale);
  if (request.lifespan) parameters["lifespan"] = true;
  if (request.schedule) parameters["schedule"] = true;

  Json json = {{"method", fmt::format("{}{}", kInterface, to_string(request.method))},
               {"parameters", std::move(parameters)}};
  if (request.more) json["more"] = true;
  return dump(json);
}

Result<Request> decode_request(std::string_view frame) {
  const auto json = parse(frame);
  if (!json) return std::unexpected(json.error());

  Request request;
  std::string method;
  Members call(*json);
  call.read("method", method);
  call.read("more", request.more);
  if (auto done = call.done(); !done) return std::unexpected(done.error());
  const auto known = parse_method(method);
  if (!known) {
    return failure(fmt::format("{}\"{}\": this master is version {}", kUnknownMethod,
                               printable(method, 64), kVersion));
  }
  request.method = *known;

  std::string scale;
  std::int64_t watch_ms = 0;
  Members parameters((*json)["parameters"]);
  parameters.read("names", request.names);
  if (request.names.size() > kMaxNames) parameters.refuse("names", "too many");
  parameters.read("hard", request.hard);
  parameters.read("wait", request.wait);
  parameters.read("canary", request.canary);
  parameters.read("watch_ms", watch_ms);
  parameters.read("bytes", request.bytes);
  parameters.read("signal", request.signal);
  parameters.read("scale", scale);
  parameters.read("lifespan", request.lifespan);
  parameters.read("schedule", request.schedule);
  if (request.canary < 0 || request.canary > kMaxScale) {
    parameters.refuse("canary", "out of range");
  }
  if (watch_ms < 0 || watch_ms > std::chrono::milliseconds(std::chrono::hours(24)).count()) {
    parameters.refuse("watch_ms", "expected up to a day");
  } else {
    request.watch = std::chrono::milliseconds(watch_ms);
  }
  request.bytes = std::min(request.bytes, kMaxTailBytes);
  if (!scale.empty()) {
    request.scale = parse_scale(scale);
    if (!request.scale) parameters.refuse("scale", "expected N, +N or -N");
  }
  if (auto done = parameters.done(); !done) return std::unexpected(done.error());
  return request;
}

std::string encode(const Reply& reply) {
  if (reply.error) {
    return dump({{"error", fmt::format("{}Failed", kInterface)},
                 {"parameters", {{"message", *reply.error}}}});
  }
  // The arrays are always there, so that a script can go through them unasked.
  Json parameters = {{"processes", to_array(reply.processes)},
                     {"verdicts", to_array(reply.verdicts)}};
  if (!reply.phases.empty()) parameters["phases"] = to_array(reply.phases);
  if (!reply.resources.empty()) parameters["resources"] = to_array(reply.resources);
  if (!reply.schedule.empty()) parameters["schedule"] = to_array(reply.schedule);
  if (!reply.text.empty()) parameters["text"] = reply.text;
  if (reply.event) {
    parameters["event"] = {{"time", reply.event->time},
                           {"kind", reply.event->kind},
                           {"name", reply.event->name},
                           {"text", reply.event->text}};
  }
  if (reply.master_pid != 0) parameters["master_pid"] = reply.master_pid;

  Json json = {{"parameters", std::move(parameters)}};
  if (reply.continues) json["continues"] = true;
  return dump(json);
}

Result<Reply> decode_reply(std::string_view frame) {
  const auto json = parse(frame);
  if (!json) return std::unexpected(json.error());

  Reply reply;
  std::string error_name;
  Members answer(*json);
  answer.read("continues", reply.continues);
  answer.read("error", error_name);
  if (auto done = answer.done(); !done) return std::unexpected(done.error());

  Members parameters((*json)["parameters"]);
  if (!error_name.empty()) {
    std::string message = error_name;
    parameters.read("message", message);
    reply.error = std::move(message);
  }
  parameters.read("processes", reply.processes, read_process);
  parameters.read("phases", reply.phases, read_phase);
  parameters.read("resources", reply.resources, read_resource);
  parameters.read("schedule", reply.schedule, read_scheduled_job);
  parameters.read("verdicts", reply.verdicts, read_verdict);
  parameters.read("text", reply.text);
  parameters.read("event", reply.event, read_event);
  parameters.read("master_pid", reply.master_pid);
  if (auto done = parameters.done(); !done) return std::unexpected(done.error());
  return reply;
}

}  // namespace reeve::ipc::control
