#include "tests/e2e/harness/http_response.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace reeve::e2e {
namespace {

/// Feeds `bytes` one at a time: the response, or nothing when it was not whole at the end.
std::optional<Response> read_bytewise(std::string_view bytes, std::string* rest = nullptr) {
  ResponseReader reader;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!reader.feed(bytes.substr(i, 1))) continue;
    std::string after;
    Response response = reader.take(after);
    if (rest != nullptr) *rest = after + std::string(bytes.substr(i + 1));
    return response;
  }
  return std::nullopt;
}

TEST(ResponseReader, ReadsASizedBody) {
  const auto response =
      read_bytewise("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Pid:  7 \r\n\r\nok");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(response->header("x-pid"), "7");
  EXPECT_TRUE(response->keep_alive);
}

TEST(ResponseReader, ReadsChunks) {
  const auto response = read_bytewise(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nok\r\nA\r\n0123456789\r\n0\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "ok0123456789");
}

TEST(ResponseReader, LeavesTheNextResponse) {
  std::string rest;
  const auto response =
      read_bytewise("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 404 No", &rest);
  ASSERT_TRUE(response);
  EXPECT_EQ(rest, "HTTP/1.1 404 No");
}

TEST(ResponseReader, SkipsAnInterimResponse) {
  const auto response =
      read_bytewise("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 201);
}

TEST(ResponseReader, AHeadResponseHasNoBody) {
  ResponseReader reader(true);
  EXPECT_TRUE(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
}

TEST(ResponseReader, WithoutALengthTheEndOfTheStreamEndsTheBody) {
  ResponseReader reader;
  EXPECT_FALSE(reader.feed("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"));
  ASSERT_TRUE(reader.end_of_stream());
  std::string rest;
  EXPECT_EQ(reader.take(rest).body, "all of it");
}

TEST(ResponseReader, ConnectionCloseEndsKeepAlive) {
  const auto response =
      read_bytewise("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->keep_alive);
}

}  // namespace
}  // namespace reeve::e2e
