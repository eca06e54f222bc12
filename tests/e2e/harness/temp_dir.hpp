#pragma once
// A directory of one test's own, removed when the test passed and kept, with its path printed, when
// it failed. It stands in /tmp, not in a deep build tree: a Unix socket's path has 107 bytes at
// most.

#include <filesystem>
#include <string>
#include <string_view>

namespace reeve::e2e {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
    return path_ / name;
  }

  /// Stays when this ends, as after a failed test.
  void keep() { kept_ = true; }

  /// Writes a file and returns its path.
  std::filesystem::path write(std::string_view name, std::string_view text) const;
  /// Writes a file that can be executed; `text` brings its own "#!" line.
  std::filesystem::path write_program(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// The whole file, or "" when there is none.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace reeve::e2e
