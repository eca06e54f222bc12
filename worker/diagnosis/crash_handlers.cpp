#include "worker/diagnosis/crash_handlers.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <typeinfo>

#include "worker/diagnosis/signal_safe_text.hpp"
#include "worker/diagnosis/stack_signal.hpp"
#include "worker/diagnosis/stack_trace.hpp"

namespace reeve::worker {
namespace {

constexpr std::array kCrashes = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

// A signal handler is given nothing, so that what it needs is global.
std::atomic<ipc::BlackBox*> box;
std::atomic<pid_t> owner;  // A process that it forks shares the box, and has no say in it.
std::terminate_handler earlier_terminate = nullptr;
Symbolizer crash_symbolizer;

ipc::BlackBox* own_box() { return owner.load() == ::getpid() ? box.load() : nullptr; }

void write_crash(ipc::BlackBox& into, const siginfo_t& info, const void* context) {
  const ipc::BlackBoxWriter out(into.crash);
  SignalSafeText line;
  line.add("SIG").add(::sigabbrev_np(info.si_signo));
  const bool sent = info.si_code <= 0;
  if (!sent) {
    line.add(" at address ").add_hex(reinterpret_cast<std::uintptr_t>(info.si_addr));
  } else if (info.si_pid != ::getpid()) {
    line.add(" sent by pid ").add_decimal(static_cast<std::uint64_t>(info.si_pid));
  }
  line.add(", in ");
  ipc::BlackBoxWriter(out).add(line.text());
  write_thread_name(out);
  ipc::BlackBoxWriter(out).add(":\n");
  crash_symbolizer.load();
  write_stack(out, crash_symbolizer, context);
}

/// SA_RESETHAND has restored the default action. What the thread did itself it does again when
/// this returns, and dies of it with a core that shows it; what was sent is sent again.
void on_crash(int signal, siginfo_t* info, void* context) {
  const int saved = errno;
  if (ipc::BlackBox* into = own_box()) write_crash(*into, *info, context);
  if (info->si_code <= 0) ::raise(signal);
  errno = saved;
}

void on_stack_signal(int /*signal*/, siginfo_t* info, void* context) {
  const int saved = errno;
  if (!answer_stack_probe(*info, context)) {
    if (ipc::BlackBox* into = own_box()) write_thread_stacks(*into, context);
  }
  errno = saved;
}

void write_exception(ipc::BlackBox& into) {
  const auto write = [&](std::string_view type, std::string_view what) {
    // The prefix makes the name of a type one that the master can read.
    ipc::BlackBoxWriter(into.exception)
        .add(SignalSafeText().add("nobody caught _Z").add(type).add(" : ").add(what).text());
  };
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
    ipc::BlackBoxWriter(into.exception).add("std::terminate was called without an exception");
  } catch (const std::exception& error) {
    write(typeid(error).name(), error.what());
  } catch (...) {
    ipc::BlackBoxWriter(into.exception).add("nobody caught an exception of an unknown type");
  }
}

[[noreturn]] void on_terminate() {
  if (ipc::BlackBox* into = own_box()) write_exception(*into);
  if (earlier_terminate != nullptr) earlier_terminate();
  std::abort();
}

/// What the signal does now; nothing where the application has a handler of its own.
std::optional<sighandler_t> disposition(int signal) {
  struct sigaction present{};
  if (::sigaction(signal, nullptr, &present) != 0) return std::nullopt;
  if (present.sa_handler != SIG_DFL && present.sa_handler != SIG_IGN) return std::nullopt;
  return present.sa_handler;
}

bool handle(int signal, int flags, void (*handler)(int, siginfo_t*, void*)) {
  struct sigaction ours{};
  ours.sa_sigaction = handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  sigfillset(&ours.sa_mask);
  // A crash in a handler is one, too.
  for (const int crash : kCrashes) sigdelset(&ours.sa_mask, crash);
  return ::sigaction(signal, &ours, nullptr) == 0;
}

void give_back(int signal, void (*handler)(int, siginfo_t*, void*), sighandler_t to) {
  struct sigaction present{};
  if (::sigaction(signal, nullptr, &present) != 0 || present.sa_sigaction != handler) return;
  ::signal(signal, to);
}

}  // namespace

CrashHandlers::CrashHandlers(const ipc::Recorder& recorder) {
  if (owner.load() == ::getpid()) return;
  owner = ::getpid();
  stack_.emplace();
  if (recorder.fd() >= 0) open_box(recorder.black_box());
  const auto before = disposition(ipc::stack_signal());
  if (!before || !handle(ipc::stack_signal(), SA_RESTART, on_stack_signal)) return;
  stack_signal_ = *before;
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, ipc::stack_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &asked, nullptr);
  allow_stack_probes(true);
  if (recorder.fd() >= 0) recorder.black_box().answers = ipc::BlackBox::kAnswers;
}

void CrashHandlers::open_box(ipc::BlackBox& into) {
  box = &into;
  if (!is_sanitized()) {
    for (const int crash : kCrashes) {
      if (disposition(crash) != SIG_DFL) continue;
      handle(crash, static_cast<int>(SA_RESETHAND), on_crash);
    }
  }
  earlier_terminate = std::set_terminate(on_terminate);
}

CrashHandlers::~CrashHandlers() {
  if (!stack_) return;
  if (ipc::BlackBox* own = own_box()) own->answers = 0;
  allow_stack_probes(false);
  give_back(ipc::stack_signal(), on_stack_signal, stack_signal_);
  for (const int crash : kCrashes) give_back(crash, on_crash, SIG_DFL);
  if (std::get_terminate() == &on_terminate) std::set_terminate(earlier_terminate);
  box = nullptr;
  owner = 0;
}

}  // namespace reeve::worker
