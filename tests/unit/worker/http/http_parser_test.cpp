// RequestParser: what it accepts, what it refuses with which status, however the bytes arrive.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "http_parser_fixture.hpp"

namespace reeve::worker {
namespace {

using namespace std::string_literals;
using ::testing::ElementsAre;

struct Case {
  std::string name;
  std::string bytes;
  int status;  ///< 0: accepted
};

std::string get_with(const std::string& fields) { return "GET / HTTP/1.1\r\n" + fields + "\r\n"; }
std::string host_and(const std::string& fields) { return get_with("Host: a\r\n" + fields); }
std::string chunked(const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> kCases{
      {"Plain", host_and(""), 0},
      {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", 0},
      {"AbsoluteForm", "GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"AsteriskForm", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0},
      {"EmptyHost", get_with("Host:\r\n"), 0},
      {"Ipv6Host", get_with("Host: [::1]:80\r\n"), 0},
      {"BlanksAroundValue", host_and("X: \t y \t\r\n"), 0},
      {"EmptyValue", host_and("X:\r\n"), 0},
      {"HighBytesInValue", host_and("X: \xc3\xa4\r\n"), 0},
      {"Body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 0},
      {"GetWithBody", host_and("Content-Length: 3\r\n") + "abc", 0},
      {"Chunks", chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), 0},
      {"ChunkExtension", chunked("3;x=y\r\nabc\r\n0\r\n\r\n"), 0},
      {"Trailer", chunked("1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"), 0},
      {"ChunkedInCapitals", host_and("Transfer-Encoding: CHUNKED\r\n") + "0\r\n\r\n", 0},
      {"UpgradeIsIgnored", host_and("Connection: upgrade\r\nUpgrade: h2c\r\n"), 0},

      {"LeadingBlank", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TlsHandshake", "\x16\x03\x01\x02"s, 400},
      {"TwoBlanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TabInRequestLine", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TrailingBlank", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
      {"NoVersion", "GET /\r\nHost: a\r\n\r\n", 400},
      {"SmallVersion", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"OtherProtocol", "GET / RTSP/1.0\r\nHost: a\r\n\r\n", 400},
      {"RelativeTarget", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"Fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"BadEscape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"CutEscape", "GET /%1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"EncodedNul", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"BadEscapeInQuery", "GET /?a=%z HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"AsteriskForGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"HighByteInTarget", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"NulInTarget", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"s, 400},

      {"UnknownMethod", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"SmallMethod", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"Connect", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"Http12", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"Http09", "GET / HTTP/0.9\r\n\r\n", 505},

      {"NoHost", get_with(""), 400},
      {"TwoHosts", get_with("Host: a\r\nHost: a\r\n"), 400},
      {"TwoHostsIn10", "GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", 400},
      {"HostWithPath", get_with("Host: a/b\r\n"), 400},
      {"HostWithUser", get_with("Host: u@a\r\n"), 400},
      {"HostList", get_with("Host: a b\r\n"), 400},

      {"BareLineFeedAfterRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"BareLineFeedAfterField", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"BareLineFeedAtEnd", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"BareCarriageReturn", host_and("X: a\rb\r\n"), 400},
      {"DoubleCarriageReturn", host_and("X: a\r\r\n"), 400},
      {"NulInValue", host_and("X: a\0b\r\n"s), 400},
      {"ControlInValue", host_and("X: a\x01\r\n"), 400},
      {"Folded", host_and("X: a\r\n b\r\n"), 400},
      {"FoldedFirst", get_with(" Host: a\r\n"), 400},
      {"BlankBeforeColon", host_and("X : a\r\n"), 400},
      {"TabBeforeColon", host_and("X\t: a\r\n"), 400},
      {"NoColon", host_and("X\r\n"), 400},
      {"NoName", host_and(": a\r\n"), 400},
      {"BadName", host_and("X(y): a\r\n"), 400},

      {"TwoLengths", host_and("Content-Length: 1\r\nContent-Length: 2\r\n") + "ab", 400},
      {"SameLengthTwice", host_and("Content-Length: 1\r\nContent-Length: 1\r\n") + "a", 400},
      {"LengthList", host_and("Content-Length: 1, 1\r\n") + "a", 400},
      {"SignedLength", host_and("Content-Length: +1\r\n") + "a", 400},
      {"NegativeLength", host_and("Content-Length: -1\r\n"), 400},
      {"HexLength", host_and("Content-Length: 0x1\r\n") + "a", 400},
      {"EmptyLength", host_and("Content-Length:\r\n"), 400},
      {"LengthWithBlank", host_and("Content-Length: 1 2\r\n"), 400},
      {"LengthAndChunked",
       host_and("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
      {"ChunkedAndLength",
       host_and("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n", 400},
      {"ChunkedIn10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"ChunkedTwice",
       host_and("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
      {"ChunkedList", host_and("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n", 400},
      {"ChunkedNotLast", host_and("Transfer-Encoding: chunked, identity\r\n"), 400},
      {"GzipThenChunked", host_and("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n", 400},
      {"QuotedChunked", host_and("Transfer-Encoding: \"chunked\"\r\n"), 400},
      {"VerticalTabChunked",
       host_and("Transfer-Encoding: \x0b"
                "chunked\r\n"),
       400},
      {"EmptyTransferEncoding", host_and("Transfer-Encoding:\r\n"), 400},
      {"BlankBeforeColonOfChunked", host_and("Transfer-Encoding : chunked\r\n"), 400},
      {"Gzip", host_and("Transfer-Encoding: gzip\r\n"), 501},
      {"Identity", host_and("Transfer-Encoding: identity\r\n"), 501},

      {"ChunkSizeWithPrefix", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeSigned", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeMissing", chunked("\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeBlankBefore", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeBlankAfter", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeBareLineFeed", chunked("3\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionBareLineFeed", chunked("3;x\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionValueBareLineFeed", chunked("3;x=y\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionNul", chunked("3;x\0\r\nabc\r\n0\r\n\r\n"s), 400},
      {"ChunkExtensionBareCarriageReturn", chunked("3;x\ry\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkSizeOverflow", chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"), 400},
      {"ChunkDataTooLong", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400},
      {"ChunkDataBareLineFeed", chunked("3\r\nabc\n0\r\n\r\n"), 400},
      {"ChunkDataTwoBytesForLineEnd", chunked("3\r\nabcXX0\r\n\r\n"), 400},
      {"TrailerBareLineFeed", chunked("0\r\nX: 1\n\r\n"), 400},
      {"TrailersEndInBareLineFeed", chunked("0\r\n\n"), 400},
      {"TrailerFolded", chunked("0\r\nX: 1\r\n 2\r\n\r\n"), 400},
      {"TrailerContentLength", chunked("0\r\nContent-Length: 3\r\n\r\n"), 400},
      {"TrailerTransferEncoding", chunked("0\r\ntransfer-encoding: chunked\r\n\r\n"), 400},
      {"TrailerHost", chunked("0\r\nHost: b\r\n\r\n"), 400},
      {"TrailerAuthorization", chunked("0\r\nAuthorization: x\r\n\r\n"), 400},

      {"UnknownExpectation", host_and("Expect: 200-ok\r\n"), 417},
  };
  return kCases;
}

class Parser : public ::testing::TestWithParam<Case> {};

TEST_P(Parser, DecidesTheSameWholeAndByteByByte) {
  const Case& test = GetParam();
  const ParsedStream whole = parse_whole(test.bytes);
  EXPECT_EQ(whole.status, test.status);
  if (test.status == 0) {
    EXPECT_EQ(whole.requests.size(), 1U);
    EXPECT_EQ(whole.left, "");
  } else {
    EXPECT_TRUE(whole.requests.empty());
  }
  EXPECT_EQ(parse_bytewise(test.bytes), whole);
}

TEST_P(Parser, DecidesTheSameInRandomPieces) {
  const ParsedStream whole = parse_whole(GetParam().bytes);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const auto size = [&] { return std::uniform_int_distribution<std::size_t>(1, 9)(random); };
    EXPECT_EQ(parse_in_pieces(GetParam().bytes, {}, size), whole) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Parser, ::testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param.name; });

TEST(ParserOutput, HasFieldsTrimmedInOrder) {
  EXPECT_THAT(parse_whole(host_and("X:  y \r\nE:\r\nX: z\r\n")).requests,
              ElementsAre("GET / 1.1 keep Host=[a] X=[y] E=[] X=[z]"));
}

TEST(ParserOutput, JoinsChunks) {
  EXPECT_THAT(parse_whole(chunked("3;q=\"1\"\r\nabc\r\n02\r\nde\r\n0\r\nX: 1\r\n\r\n")).requests,
              ElementsAre("POST / 1.1 keep Host=[a] Transfer-Encoding=[chunked] body=[abcde]"));
}

TEST(ParserOutput, SeparatesPipelinedRequests) {
  const auto stream = parse_whole("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab" +
                                  chunked("1\r\nc\r\n0\r\n\r\n") + "GET /3 HTTP/1.0\r\n\r\nGET /4");
  EXPECT_THAT(stream.requests,
              ElementsAre("POST /1 1.1 keep Host=[a] Content-Length=[2] body=[ab]",
                          "POST / 1.1 keep Host=[a] Transfer-Encoding=[chunked] body=[c]",
                          "GET /3 1.0 close"));
  EXPECT_EQ(stream.left, "GET /4");
}

TEST(ParserOutput, KnowsWhoKeepsTheConnection) {
  EXPECT_THAT(parse_whole(host_and("Connection: close\r\n")).requests,
              ElementsAre(::testing::HasSubstr("1.1 close")));
  EXPECT_THAT(parse_whole("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").requests,
              ElementsAre(::testing::HasSubstr("1.0 keep")));
}

TEST(ParserOutput, DecodesTheTarget) {
  const HttpLimits limits;
  RequestParser parser(limits);
  Request request;
  parser.begin(request);
  ASSERT_TRUE(parser.parse("GET /J%C3%B6rg%2Fx?a=1+2&b=%26&&c&a=3 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(request.path(), "/J\xc3\xb6rg/x");
  EXPECT_EQ(request.query("a"), "1 2");
  EXPECT_EQ(request.query("b"), "&");
  EXPECT_EQ(request.query("c"), "");
  EXPECT_EQ(request.query("d"), std::nullopt);
  EXPECT_EQ(request.queries().size(), 4U);
  EXPECT_EQ(request.header("HOST"), "a");
  EXPECT_EQ(request.client(), "unix:");
}

TEST(ParserOutput, TellsOfAnExpectationOnlyBeforeABody) {
  const HttpLimits limits;
  RequestParser parser(limits);
  Request request;
  parser.begin(request);
  ASSERT_TRUE(parser.parse(host_and("Expect: 100-Continue\r\nContent-Length: 1\r\n")));
  EXPECT_TRUE(parser.expects_continue());
  parser.begin(request);
  ASSERT_TRUE(parser.parse(host_and("Expect: 100-continue\r\n")));
  EXPECT_FALSE(parser.expects_continue());
}

class ParserLimits : public ::testing::Test {
 protected:
  static int status(const std::string& bytes, const HttpLimits& limits) {
    const int whole = parse_whole(bytes, limits).status;
    EXPECT_EQ(parse_bytewise(bytes, limits).status, whole);
    return whole;
  }
};

TEST_F(ParserLimits, RequestLine) {
  HttpLimits limits;
  limits.request_line_bytes = 64;
  const auto line = [](std::size_t path) {
    return "GET /" + std::string(path, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  const std::size_t fits = 64 - line(0).find('\n') - 1;
  EXPECT_EQ(status(line(fits), limits), 0);
  EXPECT_EQ(status(line(fits + 1), limits), 414);
  EXPECT_EQ(status("GET /" + std::string(60, 'a'), limits), 414) << "without waiting for its end";
}

TEST_F(ParserLimits, HeaderCountAndBytes) {
  HttpLimits limits;
  limits.headers = 3;
  EXPECT_EQ(status(host_and("A: 1\r\nB: 2\r\n"), limits), 0);
  EXPECT_EQ(status(host_and("A: 1\r\nB: 2\r\nC: 3\r\n"), limits), 431);
  limits = {};
  limits.header_bytes = 64;
  const std::string rest(64 - "Host: a\r\nX: \r\n"s.size(), 'x');
  EXPECT_EQ(status(host_and("X: " + rest + "\r\n"), limits), 0);
  EXPECT_EQ(status(host_and("X: " + rest + "x\r\n"), limits), 431);
  EXPECT_EQ(status(host_and("X: " + rest).substr(0, 90) + "xxxxx", limits), 431);
}

TEST_F(ParserLimits, TrailersCountAsHeaders) {
  HttpLimits limits;
  limits.headers = 3;
  EXPECT_EQ(status(chunked("0\r\nX: 1\r\n\r\n"), limits), 0);
  EXPECT_EQ(status(chunked("0\r\nX: 1\r\nY: 2\r\n\r\n"), limits), 431);
}

TEST_F(ParserLimits, Body) {
  HttpLimits limits;
  limits.body_bytes = 4;
  EXPECT_EQ(status(host_and("Content-Length: 4\r\n") + "abcd", limits), 0);
  EXPECT_EQ(status(host_and("Content-Length: 5\r\n"), limits), 413) << "before it comes";
  EXPECT_EQ(status(host_and("Content-Length: 99999999999999999999999\r\n"), limits), 400);
  EXPECT_EQ(status(chunked("2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"), limits), 0);
  EXPECT_EQ(status(chunked("2\r\nab\r\n3\r\n"), limits), 413) << "before it comes";
}

TEST_F(ParserLimits, ChunkExtensions) {
  const std::string long_extension = "1;" + std::string(1500, 'x') + "\r\na\r\n";
  EXPECT_EQ(status(chunked(long_extension + "0\r\n\r\n"), {}), 0);
  EXPECT_EQ(status(chunked(long_extension + long_extension + long_extension), {}), 413);
}

}  // namespace
}  // namespace reeve::worker
