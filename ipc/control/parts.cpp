#include "ipc/control/parts.hpp"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "ipc/control/frame_reader.hpp"

namespace reeve::ipc::control {
namespace {

constexpr std::size_t kMaxErrorBytes = 64 << 10;

template <class T>
void move_to_end(std::vector<T>& from, std::vector<T>& to, std::size_t first = 0) {
  const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
  to.insert(to.end(), std::move_iterator(begin), std::move_iterator(from.end()));
  from.erase(begin, from.end());
}

/// Where the first half of a text ends: with a line, where it has one.
std::size_t middle_of(std::string_view text) {
  const std::size_t line_end = text.rfind('\n', text.size() / 2);
  if (line_end != std::string_view::npos && line_end + 1 < text.size()) return line_end + 1;
  std::size_t middle = text.size() / 2;
  while (middle > 0 && (static_cast<unsigned char>(text[middle]) & 0xC0U) == 0x80U) --middle;
  return middle;
}

/// Takes the second half of each list and of the text.
Reply take_second_half(Reply& reply) {
  Reply rest;
  const auto halve = [](auto& from, auto& to) { move_to_end(from, to, (from.size() + 1) / 2); };
  halve(reply.processes, rest.processes);
  halve(reply.phases, rest.phases);
  halve(reply.resources, rest.resources);
  halve(reply.schedule, rest.schedule);
  halve(reply.verdicts, rest.verdicts);
  if (reply.text.size() > 1) {
    const std::size_t middle = middle_of(reply.text);
    rest.text = reply.text.substr(middle);
    reply.text.resize(middle);
  }
  return rest;
}

}  // namespace

std::string encode_frames(Reply reply) {
  if (reply.error && reply.error->size() > kMaxErrorBytes) reply.error->resize(kMaxErrorBytes);
  std::string frame = encode(reply);
  if (frame.size() <= kMaxFrameBytes) return frame += '\0';

  Reply rest = take_second_half(reply);
  if (rest == Reply{}) {
    Reply refusal{.continues = reply.continues};
    refusal.error = "a line of the answer is longer than 1 MiB";
    return encode_frames(std::move(refusal));
  }
  rest.continues = std::exchange(reply.continues, true);
  return encode_frames(std::move(reply)) + encode_frames(std::move(rest));
}

void append(Reply& whole, Reply part) {
  move_to_end(part.processes, whole.processes);
  move_to_end(part.phases, whole.phases);
  move_to_end(part.resources, whole.resources);
  move_to_end(part.schedule, whole.schedule);
  move_to_end(part.verdicts, whole.verdicts);
  whole.text += part.text;
  whole.continues = part.continues;
  if (part.error) whole.error = std::move(part.error);
  if (part.event) whole.event = std::move(part.event);
  whole.master_pid = std::max(whole.master_pid, part.master_pid);
}

}  // namespace reeve::ipc::control
