#pragma once
// Helpers of several ipc tests: counting open descriptors, and sending one.

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

namespace reeve::ipc::test {

inline std::size_t count_open_fds() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

/// Sends `text` with a duplicate of `passed` along. `name` may be null on a connected socket.
inline ssize_t send_with_fd(int socket, std::string text, int passed,
                            const sockaddr* name = nullptr, socklen_t name_size = 0) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec part{text.data(), text.size()};
  msghdr header{};
  header.msg_name = const_cast<sockaddr*>(name);  // NOLINT(*-const-cast): sendmsg only reads it.
  header.msg_namelen = name_size;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(rights), &passed, sizeof(passed));
  return ::sendmsg(socket, &header, 0);
}

}  // namespace reeve::ipc::test
