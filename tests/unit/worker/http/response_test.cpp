// Response, Headers and the bytes of a response's head.

#include "reeve/response.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "worker/http/response_head.hpp"

namespace reeve::worker {
namespace {

std::string head(const Response& response, BodyFraming framing,
                 ConnectionHeader connection = ConnectionHeader::Absent) {
  std::string out;
  append_head(out, response, framing, connection, "DATE");
  return out;
}

TEST(ResponseHead, HasLengthAndType) {
  EXPECT_EQ(head(Response::json("{}", 201), BodyFraming::Length),
            "HTTP/1.1 201 Created\r\nDate: DATE\r\nContent-Length: 2\r\n"
            "Content-Type: application/json\r\n\r\n");
}

TEST(ResponseHead, TellsOfChunksAndOfTheEnd) {
  EXPECT_EQ(
      head(Response(200), BodyFraming::Chunked, ConnectionHeader::Close),
      "HTTP/1.1 200 OK\r\nDate: DATE\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(head(Response(204), BodyFraming::None, ConnectionHeader::KeepAlive),
            "HTTP/1.1 204 No Content\r\nDate: DATE\r\nConnection: keep-alive\r\n\r\n");
}

TEST(ResponseHead, FramesByStatusAndVersion) {
  const auto produce = [](StreamWriter&) -> Task<> { co_return; };
  EXPECT_EQ(framing_of(Response(204), true), BodyFraming::None);
  EXPECT_EQ(framing_of(Response(304), true), BodyFraming::None);
  EXPECT_EQ(framing_of(Response(200), true), BodyFraming::Length);
  EXPECT_EQ(framing_of(Response::stream("a/b", produce), true), BodyFraming::Chunked);
  EXPECT_EQ(framing_of(Response::stream("a/b", produce), false), BodyFraming::UntilClose);
}

TEST(ResponseHead, ChunksAreHexAndNeverEmpty) {
  std::string out;
  append_chunk(out, "");
  EXPECT_EQ(out, "");
  append_chunk(out, std::string(26, 'x'));
  EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n");
}

TEST(ResponseHead, FormatsDatesWithoutLocale) {
  EXPECT_EQ(DateCache::format(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST(ResponseHeaders, RefusesWhatWouldSplitTheResponse) {
  Response response;
  EXPECT_THROW(response.header("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
  EXPECT_THROW(response.header("X", std::string("a\0b", 3)), std::invalid_argument);
  EXPECT_THROW(response.header("X y", "a"), std::invalid_argument);
  EXPECT_THROW(response.header("", "a"), std::invalid_argument);
  EXPECT_THROW((void)Response::redirect("/\r\nX: y"), std::invalid_argument);
}

TEST(ResponseHeaders, LeavesFramingToTheServer) {
  Response response;
  for (const char* name : {"content-length", "Transfer-Encoding", "Connection", "DATE"}) {
    EXPECT_THROW(response.header(name, "1"), std::invalid_argument) << name;
  }
}

TEST(ResponseHeaders, SetReplacesAddRepeats) {
  Headers headers;
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  EXPECT_EQ(headers.find("a"), "1");
  headers.set("a", "4");
  EXPECT_EQ(headers.lines(), "B: 2\r\na: 4\r\n");
  EXPECT_EQ(headers.find("C"), std::nullopt);
}

TEST(ResponseValue, HasFinalStatusOnly) {
  EXPECT_THROW(Response(100), std::invalid_argument);
  EXPECT_THROW(Response(600), std::invalid_argument);
  EXPECT_EQ(Response::redirect("/x", 308).status(), 308);
  EXPECT_EQ(Response::redirect("/x").headers().find("location"), "/x");
}

}  // namespace
}  // namespace reeve::worker
