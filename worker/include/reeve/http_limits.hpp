#pragma once
// Limits for one client of a worker: how much it may ask, and how long it may take. Plain values,
// for any thread.

#include <chrono>
#include <cstddef>

namespace reeve {

/// For App::limits(). A client that goes beyond one is answered with the status named beside it.
/// All but `body_bytes` are more than 0.
struct HttpLimits {
  std::size_t request_line_bytes = 8 * 1024;     ///< beyond: 414
  std::size_t headers = 100;                     ///< beyond: 431; trailers count too
  std::size_t header_bytes = 32 * 1024;          ///< names, values and line ends; beyond: 431
  std::size_t body_bytes = 1024 * 1024;          ///< after decoding; beyond: 413
  std::size_t buffered_input_bytes = 64 * 1024;  ///< pipelined requests read ahead, a connection
  std::size_t connections = 16 * 1024;           ///< open at a time; more wait in the accept queue

  std::chrono::milliseconds header_time{
      10'000};  ///< from a request's first byte to its last header; 408
  std::chrono::milliseconds body_time{60'000};   ///< from then to its last byte; 408
  std::chrono::milliseconds write_time{60'000};  ///< a client that takes no byte for so long is cut
  std::chrono::milliseconds keep_alive_time{75'000};  ///< silence between requests
};

}  // namespace reeve
