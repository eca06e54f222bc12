#include "supervisor/upgrade/sealed_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace reeve::supervisor {
namespace {

constexpr std::string_view kWhat = "the state for the new master";
constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
constexpr off_t kMostSealedBytes = off_t{1} << 30;

}  // namespace

ipc::Result<ipc::UniqueFd> seal(std::string_view text) {
  ipc::UniqueFd fd(::memfd_create("reeve-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return ipc::system_error("make room for", kWhat, errno);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ipc::system_error("write", kWhat, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) return ipc::system_error("seal", kWhat, errno);
  return fd;
}

ipc::Result<std::string> read_sealed(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  struct stat info{};
  if (seals < 0 || (seals & kSeals) != kSeals || ::fstat(fd, &info) != 0 ||
      info.st_size > kMostSealedBytes) {
    return ipc::failure("there is no state of another master to take over");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got =
        ::pread(fd, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return ipc::system_error("read", kWhat, got < 0 ? errno : EIO);
    size += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace reeve::supervisor
