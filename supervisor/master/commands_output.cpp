// The commands that show output: of workers, of the master, and what is known of deaths.
#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "ipc/base/text.hpp"
#include "supervisor/master/commands.hpp"
#include "supervisor/pool/status.hpp"
#include "supervisor/postmortem/death_report.hpp"

namespace reeve::supervisor {

using ipc::control::Reply;
using ipc::control::Request;

namespace {

/// Each line behind the prefix.
std::string with_prefix(const std::string& prefix, std::string_view text) {
  if (prefix.empty()) return std::string(text);
  std::string prefixed;
  while (!text.empty()) {
    prefixed += prefix;
    prefixed += ipc::take_until(text, '\n');
    prefixed += '\n';
  }
  return prefixed;
}

}  // namespace

void Commands::tail(SessionId session, const Request& request) {
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (!resolved.unknown.empty()) return refuse(session, resolved.unknown.front().text);
  std::vector<std::pair<PoolRunner*, int>> slots;
  for_each_slot(resolved, [&slots](PoolRunner& pool, const Slot& slot) {
    slots.emplace_back(&pool, slot.index);
  });
  // With several processes each line says whose it is.
  const auto prefix_of = [&slots](const PoolRunner& pool, int slot) {
    return slots.size() > 1 ? fmt::format("{} | ", pool.pool().name_of(slot)) : "";
  };
  Reply reply;
  reply.continues = request.more;
  for (const auto& [pool, slot] : slots) {
    if (reply.text.size() > ipc::control::kMaxTailsBytes) {
      reply.text += "(and more: ask for one slot, or for fewer bytes)\n";
      break;
    }
    reply.text += with_prefix(prefix_of(*pool, slot), pool->tail(slot).last(request.bytes));
  }
  callbacks_.reply(session, reply);
  if (!request.more) return;
  for (const auto& [pool, slot] : slots) {
    const auto follower = pool->tail(slot).follow(
        [this, session, prefix = prefix_of(*pool, slot)](std::string_view line) {
          reply_more(session, prefix + std::string(line));
        },
        slots.size() > 1 ? TailBuffer::Wants::Lines : TailBuffer::Wants::PartsToo);
    following_.emplace(session, Following{pool, slot, follower});
  }
}

void Commands::why(SessionId session, const Request& request) {
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  if (!resolved.unknown.empty()) return refuse(session, resolved.unknown.front().text);
  int slots = 0;
  for_each_slot(resolved, [&slots](const PoolRunner&, const Slot&) { ++slots; });
  const bool is_one = !request.names.empty() && slots == 1;
  const Depth depth = request.full ? Depth::Full : is_one ? Depth::Main : Depth::Summary;
  Reply reply;
  for_each_slot(resolved, [&](const PoolRunner& pool, const Slot& slot) {
    reply.text += supervisor::why(status_of(pool, {slot.index}, loop_.now()).front(),
                                  troubles_of(pool, slot, loop_.now()),
                                  pool.deaths().last(slot.index), depth);
  });
  if (reply.text.size() > ipc::control::kMaxTailBytes) {
    reply.text.resize(reply.text.rfind('\n', ipc::control::kMaxTailBytes));
    reply.text += "\n(and more: ask for one pool, or one slot)\n";
  }
  if (!reply.text.empty()) reply.text.pop_back();  // The client ends the line.
  callbacks_.reply(session, reply);
}

void Commands::clear(SessionId session, const Request& request) {
  const ResolvedNames resolved = resolve_names(request.names, pools_.known());
  Verdicts verdicts = resolved.unknown;
  for_each_slot(resolved, [&verdicts](PoolRunner& pool, const Slot& slot) {
    pool.tail(slot.index).clear();
    verdicts.push_back(
        about(pool.name(), slot.index, success(pool.pool().name_of(slot.index), "cleared")));
  });
  answer(session, std::move(verdicts));
}

void Commands::maintail(SessionId session, const Request& request) {
  Reply reply;
  reply.continues = request.more;
  reply.text = log_.tail().last(request.bytes);
  callbacks_.reply(session, reply);
  if (!request.more) return;
  following_log_[session] = log_.tail().follow(
      [this, session](std::string_view line) { reply_more(session, std::string(line)); });
}

}  // namespace reeve::supervisor
