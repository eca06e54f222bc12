#pragma once
// Names of functions by their addresses, from the symbol tables of the files that this process is
// mapped from, local functions included, which dladdr(3) does not know. Async-signal-safe: it opens
// and maps files, and allocates nothing. Large: not for a stack. One user at a time.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace reeve::worker {

class Symbolizer {
 public:
  struct Place {
    std::string_view symbol;              ///< mangled; empty: not known
    std::uint64_t offset = 0;             ///< from the symbol
    std::string_view module;              ///< "libc.so.6"; empty: no file
    std::uint64_t address_in_module = 0;  ///< as addr2line(1) takes it
  };

  /// Reads which files are mapped where. Maps what it looks into, and unmaps it only when it is
  /// told to: mostly the process is about to end.
  void load();
  void unload();
  [[nodiscard]] Place find(std::uintptr_t address);

 private:
  static constexpr std::size_t kMostModules = 96;

  struct Module {
    std::uintptr_t base = 0;  // Where the file's beginning is mapped.
    std::uintptr_t end = 0;
    std::array<char, 256> path{};
    std::size_t path_size = 0;
    bool looked_into = false;
    const unsigned char* file = nullptr;  // Mapped; null: unreadable.
    std::size_t file_size = 0;
  };

  void on_line(std::string_view line);
  static void look_into(Module& module);
  static void find_symbol(const Module& module, std::uint64_t address, Place& place);

  std::array<Module, kMostModules> modules_{};
  std::size_t count_ = 0;
};

}  // namespace reeve::worker
