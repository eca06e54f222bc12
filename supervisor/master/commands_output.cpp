// The commands that show output: of workers, of the master, and what is known of deaths.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "supervisor/core/process_name.hpp"
#include "supervisor/master/commands.hpp"
#include "supervisor/pool/status.hpp"
#include "supervisor/postmortem/death_report.hpp"

namespace reeve::supervisor {

using ipc::control::Reply;
using ipc::control::Request;

void Commands::tail(SessionId session, const Request& request) {
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (!resolved.unknown.empty()) {
    refuse(session, resolved.unknown.front().text);
    return;
  }
  std::vector<std::pair<PoolRunner*, int>> slots;
  for (const Target& target : resolved.targets) {
    PoolRunner* pool = pools_.find(target.pool);
    for (const Slot& slot : pool->pool().slots()) {
      if (target.slots.empty() || target.slots.contains(slot.index)) {
        slots.emplace_back(pool, slot.index);
      }
    }
  }
  Reply reply;
  reply.continues = request.more;
  for (const auto& [pool, slot] : slots) {
    if (reply.text.size() > ipc::control::kMaxTailsBytes) {
      reply.text += "(and more: ask for one slot, or for fewer bytes)\n";
      break;
    }
    reply.text += pool->tail(slot).last(request.bytes);
  }
  callbacks_.reply(session, reply);
  if (!request.more) return;
  for (const auto& [pool, slot] : slots) {
    // With several processes each line says whose it is.
    const std::string prefix =
        slots.size() > 1 ? fmt::format("{} | ", process_name(pool->name(), slot)) : "";
    const auto follower = pool->tail(slot).follow([this, session, prefix](std::string_view line) {
      Reply more;
      more.continues = true;
      more.text = prefix;
      more.text += line;
      callbacks_.reply(session, more);
    });
    following_.emplace(session, Following{pool, slot, follower});
  }
}

void Commands::why(SessionId session, const Request& request) {
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (!resolved.unknown.empty()) {
    refuse(session, resolved.unknown.front().text);
    return;
  }
  const bool details = resolved.targets.size() == 1 && resolved.targets.front().slots.size() == 1;
  Reply reply;
  for (const Target& target : resolved.targets) {
    const PoolRunner& pool = *pools_.find(target.pool);
    const auto lines = status_of(pool, target.slots, loop_.now());
    for (const Slot& slot : pool.pool().slots()) {
      if (!target.slots.empty() && !target.slots.contains(slot.index)) continue;
      const std::string name = process_name(pool.name(), slot.index);
      const auto line = std::ranges::find(lines, name, &ipc::control::Process::name);
      reply.text += supervisor::why(
          {name, line->state, line->detail, line->pid, troubles_of(pool, slot, loop_.now())},
          pool.deaths().last(slot.index), details);
    }
  }
  if (reply.text.size() > ipc::control::kMaxTailBytes) {
    reply.text.resize(reply.text.rfind('\n', ipc::control::kMaxTailBytes));
    reply.text += "\n(and more: ask for one pool, or one slot)\n";
  }
  if (!reply.text.empty()) reply.text.pop_back();  // The client ends the line.
  callbacks_.reply(session, reply);
}

void Commands::clear(SessionId session, const Request& request) {
  ResolvedNames resolved = resolve_names(request.names, pools_.known());
  Verdicts verdicts = std::move(resolved.unknown);
  for (const Target& target : resolved.targets) {
    PoolRunner& pool = *pools_.find(target.pool);
    for (const Slot& slot : pool.pool().slots()) {
      if (!target.slots.empty() && !target.slots.contains(slot.index)) continue;
      pool.tail(slot.index).clear();
      verdicts.push_back({.name = process_name(pool.name(), slot.index),
                          .ok = true,
                          .code = "cleared",
                          .text = ""});
    }
  }
  answer(session, std::move(verdicts));
}

void Commands::maintail(SessionId session, const Request& request) {
  Reply reply;
  reply.continues = request.more;
  reply.text = log_.tail().last(request.bytes);
  callbacks_.reply(session, reply);
  if (!request.more) return;
  following_log_[session] = log_.tail().follow([this, session](std::string_view line) {
    Reply more;
    more.continues = true;
    more.text = line;
    callbacks_.reply(session, more);
  });
}

}  // namespace reeve::supervisor
