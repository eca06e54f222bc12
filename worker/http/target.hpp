#pragma once
// Reads a request target: path, query, percent-encoding. Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reeve/request.hpp"

namespace reeve::worker {

struct Target {
  std::string_view path;   ///< still encoded; "*" for the server as a whole
  std::string_view query;  ///< still encoded, without its '?'
};

/// Splits origin-form, absolute-form ("http://host/path") and "*". Nothing for any other form.
[[nodiscard]] std::optional<Target> split_target(std::string_view target);

/// Decodes %XX. Nothing for a malformed escape or an encoded NUL.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// Reads "a=1&b=two+words". Nothing for a malformed escape.
[[nodiscard]] std::optional<std::vector<Parameter>> parse_query(std::string_view query);

}  // namespace reeve::worker
