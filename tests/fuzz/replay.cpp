// Stands in for libFuzzer where there is none: runs a target on each file of the folders it is
// given, and on cuts of each file, so that a finding of the past stays found.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void run(const std::string& bytes, std::size_t size) {
  // An exact copy, so that a sanitizer sees a read beyond its end.
  const std::string input(bytes, 0, size);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

}  // namespace

int main(int argc, char** argv) {
  run("", 0);
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) continue;
    for (const auto& file : std::filesystem::directory_iterator(argv[i])) {
      std::printf("%s\n", file.path().c_str());
      std::fflush(stdout);  // The last line names the input that crashed.
      std::ifstream in(file.path(), std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(in), {});
      const std::size_t step = bytes.size() / 64 + 1;
      for (std::size_t size = 0; size < bytes.size(); size += step) run(bytes, size);
      run(bytes, bytes.size());
    }
  }
}
