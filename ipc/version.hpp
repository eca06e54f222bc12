#pragma once
// The version of reeve, reevectl and the library: one, since they are built together.

namespace reeve::ipc {

inline constexpr char kVersion[] = "0.1.0";  // As in CMakeLists.txt; a unit test compares them.

}  // namespace reeve::ipc
