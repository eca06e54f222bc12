#pragma once
// A reply of any size, in frames that each reader takes: what does not fit into one goes out in
// parts, all but the last with `continues`. The client puts them together again. Pure.

#include <string>

#include "ipc/control/protocol.hpp"

namespace reeve::ipc::control {

/// The frames of one reply, each with its NUL. One line of it that is longer than a frame becomes
/// an error in its place.
[[nodiscard]] std::string encode_frames(Reply reply);

/// Adds the next part to those before it.
void append(Reply& whole, Reply part);

}  // namespace reeve::ipc::control
