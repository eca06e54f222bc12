#include "ipc/recorder/recorder.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <new>

namespace reeve::ipc {
namespace {

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kBytes = kPageBytes + kBlackBoxBytes;

/// nullptr, and errno, when it fails. Fresh memory is zero: a page of atomics that hold 0.
RecorderPage* map(int fd) {
  const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, fd, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<RecorderPage*>(memory);
}

/// A page of another size has another version's layout.
Result<bool> has_our_size(int fd) {
  struct stat found{};
  if (::fstat(fd, &found) != 0) return system_error("look at", "the inherited recorder", errno);
  if (!S_ISREG(found.st_mode)) return failure("the inherited recorder is not a recorder");
  return found.st_size == static_cast<off_t>(kBytes);
}

}  // namespace

Result<Recorder> Recorder::create() {
  UniqueFd fd(::memfd_create("reeve-recorder", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return system_error("create", "a worker's recorder", errno);
  if (::ftruncate(fd.get(), kBytes) != 0) return system_error("size", "a worker's recorder", errno);
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return system_error("seal", "a worker's recorder", errno);
  }
  RecorderPage* page = map(fd.get());
  if (page == nullptr) return system_error("map", "a worker's recorder", errno);
  return Recorder(std::move(fd), page);
}

Recorder Recorder::adopt(UniqueFd fd) {
  const auto known = has_our_size(fd.get());
  RecorderPage* page = known && *known ? map(fd.get()) : nullptr;
  if (page == nullptr) page = map(-1);
  if (page == nullptr) throw std::bad_alloc();
  return {std::move(fd), page};
}

Result<Recorder> Recorder::attach(UniqueFd fd) {
  const auto known = has_our_size(fd.get());
  if (!known) return std::unexpected(known.error());
  if (!*known) return detached();
  // What the worker starts itself has no business with it.
  if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0) {
    return system_error("keep", "the inherited recorder", errno);
  }
  RecorderPage* page = map(fd.get());
  if (page == nullptr) return system_error("map", "the inherited recorder", errno);
  page->magic.store(RecorderPage::kMagic, std::memory_order_relaxed);
  return Recorder(std::move(fd), page);
}

Recorder Recorder::detached() {
  RecorderPage* page = map(-1);
  if (page == nullptr) throw std::bad_alloc();
  page->magic.store(RecorderPage::kMagic, std::memory_order_relaxed);
  return {UniqueFd(), page};
}

BlackBox& Recorder::black_box() const {
  // Zeroed memory, as the page is: atomics that hold 0.
  return *reinterpret_cast<BlackBox*>(reinterpret_cast<std::byte*>(page_.get()) + kPageBytes);
}

void Recorder::Unmap::operator()(RecorderPage* page) const { ::munmap(page, kBytes); }

}  // namespace reeve::ipc
