#include "worker/diagnosis/symbolizer.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "ipc/base/unique_fd.hpp"

namespace reeve::worker {
namespace {

using ElfHeader = ElfW(Ehdr);
using Section = ElfW(Shdr);
using Symbol = ElfW(Sym);

/// The next word of `line`, which is removed from it.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::uintptr_t hex(std::string_view text) {
  std::uintptr_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

/// A file's bytes, none of which is read past the end. A record is copied: it may be unaligned.
struct File {
  const unsigned char* bytes;
  std::size_t size;

  template <class Record>
  [[nodiscard]] bool read(std::uint64_t at, Record& into) const {
    if (at > size || sizeof(Record) > size - at) return false;
    std::memcpy(&into, bytes + at, sizeof(Record));
    return true;
  }
  [[nodiscard]] std::string_view text(std::uint64_t at) const {
    if (at >= size) return {};
    const char* begin = reinterpret_cast<const char*>(bytes + at);
    return {begin, ::strnlen(begin, size - at)};
  }
};

/// The table with the local functions, where the file was not stripped of it.
bool find_symbols(const File& file, Section& symbols, Section& strings) {
  ElfHeader header;
  if (!file.read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return false;
  for (const unsigned wanted : {unsigned{SHT_SYMTAB}, unsigned{SHT_DYNSYM}}) {
    for (unsigned i = 0; i < header.e_shnum; ++i) {
      const auto at = [&](unsigned index) {
        return header.e_shoff + std::uint64_t{index} * header.e_shentsize;
      };
      if (!file.read(at(i), symbols)) return false;
      if (symbols.sh_type == wanted) return file.read(at(symbols.sh_link), strings);
    }
  }
  return false;
}

}  // namespace

void Symbolizer::load() {
  count_ = 0;
  const ipc::UniqueFd fd(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
  if (!fd) return;
  std::array<char, 1024> buffer;  // Longer than any line that is of interest.
  std::size_t held = 0;
  for (;;) {
    const ssize_t size = ::read(fd.get(), buffer.data() + held, buffer.size() - held);
    if (size <= 0) return;
    held += static_cast<std::size_t>(size);
    std::string_view text(buffer.data(), held);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      on_line(text.substr(0, end));
      text.remove_prefix(end + 1);
    }
    if (text.size() == buffer.size()) text = {};  // No line of a file that could be opened.
    held = text.size();
    std::memmove(buffer.data(), text.data(), held);
  }
}

void Symbolizer::unload() {
  for (std::size_t i = 0; i < count_; ++i) {
    const Module& module = modules_[i];
    if (module.file != nullptr) {
      ::munmap(const_cast<unsigned char*>(module.file), module.file_size);
    }
  }
  count_ = 0;
}

/// "55d0-55d8 r-xp 00001000 fe:01 1234   /usr/bin/web"
void Symbolizer::on_line(std::string_view line) {
  const std::string_view range = next_word(line);
  next_word(line);
  const std::uintptr_t offset = hex(next_word(line));
  next_word(line);
  next_word(line);
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (!line.starts_with('/')) return;
  const std::size_t dash = range.find('-');
  const std::uintptr_t begin = hex(range.substr(0, dash));
  const std::uintptr_t end = hex(range.substr(dash + 1));

  Module* last = count_ > 0 ? &modules_[count_ - 1] : nullptr;
  if (last != nullptr && std::string_view(last->path.data(), last->path_size) == line) {
    last->end = end;  // The same file goes on.
    return;
  }
  if (count_ == modules_.size() || line.size() >= modules_[count_].path.size()) return;
  Module& module = modules_[count_++];
  module = {};
  module.base = begin - offset;
  module.end = end;
  module.path_size = line.size();
  std::ranges::copy(line, module.path.begin());
}

Symbolizer::Place Symbolizer::find(std::uintptr_t address) {
  Place place{.symbol = {}, .module = {}};
  const auto end = modules_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto module = std::find_if(modules_.begin(), end, [address](const Module& one) {
    return address >= one.base && address < one.end;
  });
  if (module == end) return place;
  const std::string_view path(module->path.data(), module->path_size);
  place.module = path.substr(path.rfind('/') + 1);
  place.address_in_module = address - module->base;
  if (!module->looked_into) look_into(*module);
  if (module->file == nullptr) return place;
  ElfHeader header;
  if (!File{module->file, module->file_size}.read(0, header)) return place;
  if (header.e_type == ET_EXEC) place.address_in_module = address;  // Not relocated.
  find_symbol(*module, place.address_in_module, place);
  return place;
}

void Symbolizer::look_into(Module& module) {
  module.looked_into = true;
  const std::string_view path(module.path.data(), module.path_size);
  // A deployment has replaced the program's file; the kernel still has the old one.
  const bool replaced = path.ends_with(" (deleted)");
  const char* readable = replaced ? "/proc/self/exe" : module.path.data();
  const ipc::UniqueFd fd(::open(readable, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat found{};
  if (!fd || ::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) return;
  const auto size = static_cast<std::size_t>(found.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (memory == MAP_FAILED) return;
  module.file = static_cast<const unsigned char*>(memory);
  module.file_size = size;
}

void Symbolizer::find_symbol(const Module& module, std::uint64_t address, Place& place) {
  const File file{module.file, module.file_size};
  Section symbols;
  Section strings;
  if (!find_symbols(file, symbols, strings)) return;
  const std::uint64_t count = symbols.sh_size / sizeof(Symbol);
  for (std::uint64_t i = 0; i < count; ++i) {
    Symbol symbol;
    if (!file.read(symbols.sh_offset + i * sizeof(Symbol), symbol)) return;
    const bool is_function = (symbol.st_info & 0xf) == STT_FUNC;
    if (!is_function || address < symbol.st_value || address - symbol.st_value >= symbol.st_size) {
      continue;
    }
    place.symbol = file.text(strings.sh_offset + symbol.st_name);
    place.offset = address - symbol.st_value;
    return;
  }
}

}  // namespace reeve::worker
