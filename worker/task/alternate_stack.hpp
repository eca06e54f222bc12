#pragma once
// A stack for the signal handlers of one thread: without it a thread that has overflown its own
// could not say so. Costs address space, and memory only once it is used. Under a sanitizer, which
// has its own, it is nothing. To be destroyed by the thread that made it.

namespace reeve::worker {

class AlternateStack {
 public:
  AlternateStack();
  ~AlternateStack();
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  void* memory_ = nullptr;  // Null: none could be had, or there is one already.
};

/// Built with a sanitizer, which has signal handlers of its own.
[[nodiscard]] constexpr bool is_sanitized() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  return true;
#else
  return false;
#endif
#else
  return false;
#endif
}

}  // namespace reeve::worker
