#pragma once
// The names of functions in a stack, for people. Pure.

#include <string>
#include <string_view>

namespace reeve::ipc {

/// The readable part of a mangled C++ name: "reeve::probe::spin" for "_ZN5reeve5probe4spinEv".
/// Parameters and template arguments are left out; what it cannot read is returned as it is. Takes
/// time in proportion to the name, whatever it is: a hostile one can make the library's own
/// demangler grow without bound.
[[nodiscard]] std::string readable_symbol(std::string_view mangled);

}  // namespace reeve::ipc
