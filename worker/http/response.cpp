#include "reeve/response.hpp"

#include <stdexcept>

namespace reeve {

Response::Response(int status) : status_(status) {
  if (status < 200 || status > 599) {
    throw std::invalid_argument("response status " + std::to_string(status) +
                                ": not a final status");
  }
}

Response::Response(int status, std::string_view content_type, std::string body) : Response(status) {
  headers_.add("Content-Type", content_type);
  body_ = std::move(body);
}

Response Response::text(std::string body, int status) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

Response Response::html(std::string body, int status) {
  return {status, "text/html; charset=utf-8", std::move(body)};
}

Response Response::json(std::string body, int status) {
  return {status, "application/json", std::move(body)};
}

Response Response::redirect(std::string_view location, int status) {
  Response response(status);
  response.headers_.add("Location", location);
  return response;
}

Response Response::stream(std::string_view content_type, Producer producer) {
  Response response(200, content_type, {});
  response.producer_ = std::move(producer);
  return response;
}

}  // namespace reeve
