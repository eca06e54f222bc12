// Bytes of any client, through the parser and the router: the verdict does not depend on how the
// bytes were cut into pieces, and what is accepted keeps every promise that a handler relies on.
// Input: one byte that seeds the pieces, then the stream.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string_view>

#include "reeve/router.hpp"
#include "tests/unit/worker/http/http_parser_fixture.hpp"
#include "worker/http/head_rules.hpp"
#include "worker/http/request_access.hpp"

namespace {

using namespace reeve;
using namespace reeve::worker;

void require(bool holds) {
  if (!holds) std::abort();
}

HttpLimits small_limits() {
  HttpLimits limits;
  limits.request_line_bytes = 128;
  limits.headers = 8;
  limits.header_bytes = 512;
  limits.body_bytes = 256;
  return limits;
}

Router make_router() {
  Router router;
  router.get("/", [] { return Response(); });
  router.get("/a/{b}", [] { return Response(); });
  router.post("/a/{b}/c", [] { return Response(); });
  return router;
}

void check(const Request& request, const RequestParser& parser, const HttpLimits& limits) {
  require(request.body().size() <= limits.body_bytes);
  require(request.headers().size() <= limits.headers);
  require(request.target().size() <= limits.request_line_bytes);
  require(!request.path().contains('\0'));
  require(!parser.http_1_1() || request.header("host").has_value());
  require(!(request.header("content-length") && request.header("transfer-encoding")));
  for (const Header& header : request.headers()) {
    require(header.value.find_first_of(std::string_view("\r\n\0", 3)) == header.value.npos);
  }
  static const Router router = make_router();
  std::vector<Parameter> parameters;
  const auto match =
      router.match(request.method(), RequestAccess::parts(request).raw_path, parameters);
  for (const Parameter& parameter : parameters) {
    require(match.route != nullptr && !parameter.value.empty());
  }
}

void check_all(std::string_view bytes, const HttpLimits& limits) {
  RequestParser parser(limits);
  Request request;
  while (!bytes.empty()) {
    parser.begin(request);
    const auto used = parser.parse(bytes);
    if (!used || parser.stage() != RequestParser::Stage::Complete) return;
    require(*used > 0 && *used <= bytes.size());
    check(request, parser, limits);
    bytes.remove_prefix(*used);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const HttpLimits limits = small_limits();
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::minstd_rand random(*data);
  const auto whole = parse_whole(bytes, limits);
  require(parse_in_pieces(bytes, limits, [&] { return random() % 7 + 1; }) == whole);
  check_all(bytes, limits);
  return 0;
}
