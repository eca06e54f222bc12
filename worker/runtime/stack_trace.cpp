#include "worker/runtime/stack_trace.hpp"

#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "worker/runtime/signal_safe_text.hpp"

namespace reeve::worker {
namespace {

constexpr std::size_t kMostFrames = 48;

struct Frames {
  std::array<std::uintptr_t, kMostFrames> addresses{};
  std::size_t count = 0;
};

_Unwind_Reason_Code take_frame(_Unwind_Context* context, void* into) {
  auto& frames = *static_cast<Frames*>(into);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address == 0 || frames.count == frames.addresses.size()) return _URC_END_OF_STACK;
  frames.addresses[frames.count++] = address;
  return _URC_NO_REASON;
}

/// Where the signal has interrupted the thread; 0: not known on this machine.
std::uintptr_t interrupted_at(const void* context) {
  if (context == nullptr) return 0;
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.pc;
#else
  (void)machine;
  return 0;
#endif
}

void write_frame(ipc::BlackBoxWriter& out, Symbolizer& symbolizer, std::size_t index,
                 std::uintptr_t address, bool is_return) {
  // A return address may lie behind the end of a function that never returns.
  const Symbolizer::Place place = symbolizer.find(is_return ? address - 1 : address);
  SignalSafeText line;
  line.add("  #").add_decimal(index).add(" ");
  if (place.symbol.empty()) {
    line.add_hex(address);
  } else {
    line.add(place.symbol.substr(0, 400)).add(" + ").add_hex(place.offset);
  }
  if (!place.module.empty()) {
    line.add(" (").add(place.module.substr(0, 80)).add(" ").add_hex(place.address_in_module);
    line.add(")");
  }
  out.add(line.add("\n").text());
}

}  // namespace

void write_stack(ipc::BlackBoxWriter out, Symbolizer& symbolizer, const void* context) {
  Frames frames;
  _Unwind_Backtrace(take_frame, &frames);
  const auto end = frames.addresses.begin() + static_cast<std::ptrdiff_t>(frames.count);
  const std::uintptr_t interrupted = interrupted_at(context);
  auto first = std::find(frames.addresses.begin(), end, interrupted);
  if (first == end) {
    // A jump into nowhere: what was called is known, but not by whom.
    if (interrupted != 0) write_frame(out, symbolizer, 0, interrupted, false);
    first = frames.addresses.begin();
  }
  for (auto frame = first; frame != end; ++frame) {
    write_frame(out, symbolizer, static_cast<std::size_t>(frame - first), *frame,
                *frame != interrupted);
  }
}

void write_thread_name(ipc::BlackBoxWriter out) {
  std::array<char, 17> name{};
  ::prctl(PR_GET_NAME, name.data());
  SignalSafeText text;
  text.add("thread ").add_decimal(static_cast<std::uint64_t>(::gettid()));
  text.add(" (").add({name.data(), ::strnlen(name.data(), name.size())}).add(")");
  out.add(text.text());
}

}  // namespace reeve::worker
