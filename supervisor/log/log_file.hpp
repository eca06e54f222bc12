#pragma once
// The file that the log goes to when it does not go to stderr: appended to, rotated by size, opened
// anew when someone else has rotated it. A full disk costs lines and nothing else. Plain writes: a
// regular file takes them without waiting. Loop thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ipc/base/error.hpp"
#include "ipc/base/unique_fd.hpp"
#include "supervisor/log/log_path.hpp"

namespace reeve::supervisor {

class LogFile {
 public:
  struct Rules {
    std::uint64_t max_size = 50ULL
                             << 20;  ///< bytes; a line that would lead beyond goes to a new file
    int keep = 10;                   ///< FILE.1 is the newest of the rotated ones; 0: none is kept
  };

  /// Follows symbolic links as find_place() does, then as now and at each reopen; what is rotated
  /// is the file that they lead to.
  [[nodiscard]] static ipc::Result<LogFile> open(std::string path, Rules rules);

  /// One whole line. An errno when it was not written; the file is none the worse for that.
  [[nodiscard]] int write(std::string_view line);
  /// Someone has renamed or removed the file. An error: it goes on with the old one.
  [[nodiscard]] ipc::Result<> reopen();
  void set_rules(Rules rules) { rules_ = rules; }
  /// Why it grows on beyond its size: once, until it could be rotated again. 0: it does not.
  [[nodiscard]] int take_rotation_error() { return std::exchange(rotation_error_, 0); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  LogFile(std::string path, Rules rules) : path_(std::move(path)), rules_(rules) {}
  void rotate();

  std::string path_;
  Rules rules_;
  PlaceOfFile place_;  // Where path_ led when the file was opened.
  ipc::UniqueFd fd_;
  std::uint64_t size_ = 0;
  int rotation_error_ = 0;
  bool cannot_rotate_ = false;  // And said so.
  bool torn_ = false;           // The last line is there in part only.
};

}  // namespace reeve::supervisor
