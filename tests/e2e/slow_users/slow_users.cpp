// A name service that hangs, for a process that is loaded with it (LD_PRELOAD): look-ups wait until
// the FIFO beside this library, its path and ".gate", can be read. Without a FIFO when the process
// starts, they do not wait.

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>

#include <string>

namespace {

int gate = -1;

/// When the process may still look into the directory of the test.
[[gnu::constructor]] void open_gate() {
  Dl_info self{};
  if (::dladdr(reinterpret_cast<void*>(&open_gate), &self) == 0) return;
  const std::string path = std::string(self.dli_fname) + ".gate";
  gate = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

}  // namespace

extern "C" passwd* getpwnam(const char* name) {
  pollfd open{.fd = gate, .events = POLLIN, .revents = 0};
  if (gate >= 0) ::poll(&open, 1, -1);
  using Function = passwd* (*)(const char*);
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getpwnam"))(name);
}
