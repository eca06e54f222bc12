#include "worker/diagnosis/stack_trace.hpp"

#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "worker/diagnosis/signal_safe_text.hpp"

namespace reeve::worker {
namespace {

_Unwind_Reason_Code take_frame(_Unwind_Context* context, void* into) {
  auto& stack = *static_cast<Stack*>(into);
  const std::uintptr_t address = _Unwind_GetIP(context);
  if (address == 0 || stack.count == stack.frames.size()) return _URC_END_OF_STACK;
  stack.frames[stack.count++] = address;
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

void write_frame(ipc::BlackBoxWriter& out, Symbolizer& symbolizer, const Stack& stack,
                 std::size_t index) {
  const Symbolizer::Place place = symbolizer.find(stack.inside(index));
  SignalSafeText line;
  line.add("  #").add_decimal(index).add(" ");
  if (place.symbol.empty()) {
    line.add_hex(stack.frames[index]);
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

Stack take_stack(const void* context) {
  Stack stack;
  _Unwind_Backtrace(take_frame, &stack);
  stack.interrupted = interrupted_at(context);
  if (stack.interrupted == 0) return stack;
  const auto begin = stack.frames.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(stack.count);
  const auto found = std::find(begin, end, stack.interrupted);
  if (found != end) {
    std::copy(found, end, begin);
    stack.count = static_cast<std::size_t>(end - found);
  } else {  // A jump into nowhere: what was called is known, but not by whom.
    stack.count = std::min(stack.count + 1, stack.frames.size());
    std::copy_backward(begin, begin + static_cast<std::ptrdiff_t>(stack.count) - 1,
                       begin + static_cast<std::ptrdiff_t>(stack.count));
    stack.frames.front() = stack.interrupted;
  }
  return stack;
}

void write_stack(ipc::BlackBoxWriter out, Symbolizer& symbolizer, const void* context) {
  const Stack stack = take_stack(context);
  for (std::size_t i = 0; i < stack.count; ++i) write_frame(out, symbolizer, stack, i);
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
