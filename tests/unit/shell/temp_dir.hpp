#pragma once
// A directory of a test's own, removed with it.

#include <cstdlib>
#include <filesystem>
#include <string>

namespace reeve::supervisor::testing {

class TempDir {
 public:
  TempDir() : path_((std::filesystem::temp_directory_path() / "reeve-shell-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace reeve::supervisor::testing
