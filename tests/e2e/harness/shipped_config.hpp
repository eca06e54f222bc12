#pragma once
// The configurations in configs/, as they are but for what a test has to give: the listener, the
// runtime directory, the binaries of this build, and paths that do not depend on where it runs.

#include <string>
#include <string_view>

namespace reeve::e2e {

/// A text for ReeveTest::start(). `file` is relative to configs/. An empty address: as the file has
/// it.
[[nodiscard]] std::string shipped_config(std::string_view file,
                                         std::string_view address = "systemd:http");

}  // namespace reeve::e2e
