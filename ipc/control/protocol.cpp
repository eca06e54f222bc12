#include "ipc/control/protocol.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ipc/base/text.hpp"
#include "ipc/format/json_fields.hpp"
#include "ipc/version.hpp"

namespace reeve::ipc::control {
namespace {

constexpr std::string_view kInterface = "dev.reeve.";
constexpr int kMaxDepth = 8;  // Ours has 4.

/// The frame, which must be an object.
Result<JsonDocument> parse(std::string_view frame) {
  auto json = JsonDocument::parse(frame, kMaxDepth);
  if (!json) return failure("control message: " + json.error().text);
  if (!json->root().is_object()) return failure("control message: not an object");
  return json;
}

std::unexpected<Error> refusal(const JsonReader& reader) {
  return failure("control message: " + reader.error());
}

std::optional<Method> parse_method(std::string_view name) {
  if (!name.starts_with(kInterface)) return std::nullopt;
  name.remove_prefix(kInterface.size());
  const auto* known = std::ranges::find(kMethods, name, &MethodTraits::name);
  return known == kMethods.end() ? std::nullopt : std::optional(known->method);
}

/// The object with the parameters; none: the message has none.
Result<JsonNode> parameters_of(const JsonDocument& json) {
  const JsonNode parameters = json.root()["parameters"];
  if (!parameters || parameters.is_object()) return parameters;
  return failure("control message: parameters: not an object");
}

}  // namespace

std::string encode(const Request& request) {
  JsonWriter json(JsonStyle::Readable);
  json.begin_object();
  json.field("method", fmt::format("{}{}", kInterface, to_string(request.method)));
  json.begin_object("parameters");
  json.field("names", request.names);
  if (request.hard) json.field("hard", true);
  if (request.wait) json.field("wait", true);
  if (request.canary != 0) json.field("canary", request.canary);
  if (request.watch.count() != 0) json.field("watch", request.watch);
  if (request.bytes != Request{}.bytes) json.field("bytes", request.bytes);
  if (!request.signal.empty()) json.field("signal", request.signal);
  if (request.scale) json.field("scale", to_string(*request.scale));
  if (request.lifespan) json.field("lifespan", true);
  if (request.schedule) json.field("schedule", true);
  if (request.full) json.field("full", true);
  json.end_object();
  if (request.more) json.field("more", true);
  json.end_object();
  return json.take();
}

Result<Request> decode_request(std::string_view frame) {
  const auto json = parse(frame);
  if (!json) return std::unexpected(json.error());

  Request request;
  std::string method;
  JsonReader reader(JsonStyle::Readable);
  if (!reader.field(json->root(), "method", method) ||
      !reader.field(json->root(), "more", request.more)) {
    return refusal(reader);
  }
  const auto known = parse_method(method);
  if (!known) {
    return failure(fmt::format("{}\"{}\": this master is version {}", kUnknownMethod,
                               printable(method, 64), kVersion));
  }
  request.method = *known;

  const auto parameters = parameters_of(*json);
  if (!parameters) return std::unexpected(parameters.error());
  std::string scale;
  const bool taken = reader.field(*parameters, "names", request.names) &&
                     reader.field(*parameters, "hard", request.hard) &&
                     reader.field(*parameters, "wait", request.wait) &&
                     reader.field(*parameters, "canary", request.canary) &&
                     reader.field(*parameters, "watch", request.watch) &&
                     reader.field(*parameters, "bytes", request.bytes) &&
                     reader.field(*parameters, "signal", request.signal) &&
                     reader.field(*parameters, "scale", scale) &&
                     reader.field(*parameters, "lifespan", request.lifespan) &&
                     reader.field(*parameters, "schedule", request.schedule) &&
                     reader.field(*parameters, "full", request.full);
  if (!taken) return refusal(reader);
  if (request.names.size() > kMaxNames) return failure("control message: names: too many");
  if (request.canary < 0 || request.canary > kMaxScale) {
    return failure("control message: canary: out of range");
  }
  if (request.watch.count() < 0 || request.watch > std::chrono::hours(24)) {
    return failure("control message: watch_ms: expected up to a day");
  }
  request.bytes = std::min(request.bytes, kMaxTailBytes);
  if (!scale.empty()) {
    request.scale = parse_scale(scale);
    if (!request.scale) return failure("control message: scale: expected N, +N or -N");
  }
  return request;
}

std::string encode(const Reply& reply) {
  JsonWriter json(JsonStyle::Readable);
  json.begin_object();
  if (reply.continues) json.field("continues", true);
  if (reply.error) json.field("error", fmt::format("{}Failed", kInterface));
  json.begin_object("parameters");
  if (reply.error) {
    json.field("message", *reply.error);
  } else {
    // These arrays are always there, so that a script can go through them unasked.
    json.field("processes", reply.processes);
    json.field("verdicts", reply.verdicts);
    if (!reply.phases.empty()) json.field("phases", reply.phases);
    if (!reply.resources.empty()) json.field("resources", reply.resources);
    if (!reply.schedule.empty()) json.field("schedule", reply.schedule);
    if (!reply.text.empty()) json.field("text", reply.text);
    json.field("event", reply.event);
    if (reply.master_pid != 0) json.field("master_pid", reply.master_pid);
  }
  json.end_object();
  json.end_object();
  return json.take();
}

Result<Reply> decode_reply(std::string_view frame) {
  const auto json = parse(frame);
  if (!json) return std::unexpected(json.error());

  Reply reply;
  JsonReader reader(JsonStyle::Readable);
  if (!reader.field(json->root(), "continues", reply.continues) ||
      !reader.field(json->root(), "error", reply.error)) {
    return refusal(reader);
  }
  if (reply.error && reply.error->empty()) reply.error.reset();
  const auto parameters = parameters_of(*json);
  if (!parameters) return std::unexpected(parameters.error());
  const bool taken = (!reply.error || reader.field(*parameters, "message", *reply.error)) &&
                     reader.field(*parameters, "processes", reply.processes) &&
                     reader.field(*parameters, "phases", reply.phases) &&
                     reader.field(*parameters, "resources", reply.resources) &&
                     reader.field(*parameters, "schedule", reply.schedule) &&
                     reader.field(*parameters, "verdicts", reply.verdicts) &&
                     reader.field(*parameters, "text", reply.text) &&
                     reader.field(*parameters, "event", reply.event) &&
                     reader.field(*parameters, "master_pid", reply.master_pid);
  if (!taken) return refusal(reader);
  return reply;
}

}  // namespace reeve::ipc::control
