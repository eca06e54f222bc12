// The environment file of anyone: refused with one line that names a line, or variables that
// execve(2) takes.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ipc/format/dotenv.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto require = [](bool holds) {
    if (!holds) std::abort();
  };
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto variables = reeve::ipc::parse_dotenv(text);
  if (!variables) {
    require(variables.error().starts_with("line ") && !variables.error().contains('\n'));
    return 0;
  }
  for (const auto& [name, value] : *variables) {
    require(reeve::ipc::is_variable_name(name) && !value.contains('\0'));
    require(value.size() < size);
  }
  return 0;
}
