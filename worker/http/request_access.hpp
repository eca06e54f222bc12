#pragma once
// The server's way into a Request, which is read-only for everyone else.

#include "reeve/request.hpp"

namespace reeve::worker {

struct RequestAccess {
  using Parts = Request::Parts;

  [[nodiscard]] static Parts& parts(Request& request) { return request.parts_; }
  [[nodiscard]] static const Parts& parts(const Request& request) { return request.parts_; }

  /// Makes room for the next request of the same connection; keeps the memory, the peer and the
  /// state.
  static void clear(Request& request) {
    Parts& parts = request.parts_;
    parts.target = {};
    parts.raw_path = {};
    parts.headers.clear();
    parts.parameters.clear();
    parts.queries.clear();
    parts.path.clear();
    parts.body.clear();
    parts.head.clear();
  }
};

}  // namespace reeve::worker
