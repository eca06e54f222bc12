#include "supervisor/upgrade/handover_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <variant>
#include <vector>

#include "ipc/base/text.hpp"
#include "ipc/format/json_fields.hpp"
#include "ipc/version.hpp"
#include "supervisor/upgrade/handover_rules.hpp"

namespace reeve::supervisor {
namespace {

/// Ours has 8.
constexpr int kMaxDepth = 16;

bool uses_probes(const Handover& handover) {
  return std::ranges::any_of(handover.pools, [](const PoolRunner::State& pool) {
    return std::ranges::any_of(versions_of(pool), [](const Deployment::State& version) {
      return version.config.health || std::holds_alternative<ReadyProbe>(version.config.ready);
    });
  });
}

/// What a reader that does not know it would misread: the state names those in use under "needs".
/// Whatever is added to the state and must not be ignored gets a row.
struct Feature {
  std::string_view name;
  bool (*in_use)(const Handover&);
};
constexpr Feature kFeatures[] = {
    {"a socket per worker",
     [](const Handover& handover) {
       return std::ranges::any_of(handover.listeners, [](const auto& listener) {
         return listener.config.sockets == Sockets::PerWorker;
       });
     }},
    {"a probe", [](const Handover& handover) { return uses_probes(handover); }},
};

std::vector<std::string_view> needs(const Handover& handover) {
  std::vector<std::string_view> names;
  for (const Feature& feature : kFeatures) {
    if (feature.in_use(handover)) names.push_back(feature.name);
  }
  return names;
}

}  // namespace

std::string encode(const Handover& handover) {
  ipc::JsonWriter writer(ipc::JsonStyle::Exact);
  writer.begin_object();
  writer.field("format", kHandoverFormat);
  writer.field("needs", needs(handover));
  visit_fields(writer, handover);
  writer.end_object();
  return writer.take();
}

std::string encode_for_trial(Handover handover) {
  for (PoolRunner::State& pool : handover.pools) pool.tails.clear();
  handover.log_tail.clear();
  return encode(handover);
}

ipc::Result<Handover> decode_handover(std::string_view text) {
  const auto document = ipc::JsonDocument::parse(text, kMaxDepth);
  if (!document || !document->root().is_object()) {
    return ipc::failure("the handed-over state is no JSON object");
  }
  ipc::JsonReader reader(ipc::JsonStyle::Exact);
  int format = 0;
  if (!reader.field(document->root(), "format", format)) format = 0;
  if (format != kHandoverFormat) {
    return ipc::failure(
        fmt::format("the handed-over state has format {}, and reeve {} reads format {}; restart "
                    "the master instead",
                    format, ipc::kVersion, kHandoverFormat));
  }
  Handover handover;
  std::vector<std::string> needed;
  const bool taken = reader.field(document->root(), "needs", needed) &&
                     reader.field(document->root(), "version", handover.version);
  for (const std::string& name : needed) {
    if (std::ranges::find(kFeatures, name, &Feature::name) != std::end(kFeatures)) continue;
    return ipc::failure(
        fmt::format("the handed-over state uses \"{}\", which reeve {} understands and reeve {} "
                    "does not; stop using it first, or restart the master instead",
                    ipc::printable(name, 64), ipc::printable(handover.version, 64), ipc::kVersion));
  }
  const std::string error =
      taken && reader.read(document->root(), handover) ? broken_rule(handover) : reader.error();
  if (!error.empty()) return ipc::failure(fmt::format("the handed-over state: {}", error));
  return handover;
}

}  // namespace reeve::supervisor
