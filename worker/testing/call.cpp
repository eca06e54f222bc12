#include "worker/testing/call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "worker/http/request_access.hpp"
#include "worker/http/request_parser.hpp"

namespace reeve::worker {
namespace {

bool has_header(const TestRequest& request, std::string_view name) {
  return std::ranges::any_of(request.headers, [name](const auto& header) {
    return equals_ignoring_case(header.first, name);
  });
}

/// As a client would send it.
std::string wire_text(const TestRequest& request) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\n", to_string(request.method), request.target);
  if (!has_header(request, "Host")) text += "Host: test\r\n";
  for (const auto& [name, value] : request.headers) text += fmt::format("{}: {}\r\n", name, value);
  if (!request.body.empty() && !has_header(request, "Content-Length") &&
      !has_header(request, "Transfer-Encoding")) {
    text += fmt::format("Content-Length: {}\r\n", request.body.size());
  }
  return text + "\r\n" + request.body;
}

}  // namespace

TestCallState::TestCallState(RequestServices& services, TestRequest request, Wait wait)
    : request_(std::move(request)),
      wait_(std::move(wait)),
      exchange_(std::make_shared<Exchange>(services, static_cast<Exchange::Client&>(*this))),
      next_turn_(std::in_place, services.context.loop(), [this] { exchange_->resume_stream(); }),
      limits_(services.limits) {
  RequestAccess::parts(exchange_->request()).peer = &peer_;
}

TestCallState::~TestCallState() { release(); }

void TestCallState::start() {
  RequestParser parser(limits_);
  parser.begin(exchange_->request());
  const std::string text = wire_text(request_);
  for (std::string_view rest = text; parser.stage() != RequestParser::Stage::Complete;) {
    const auto taken = parser.parse(rest);
    if (!taken) {  // Refused before it has a route, as a connection refuses it.
      response_.status = taken.error().status;
      response_.body = fmt::format("{}\n", taken.error().reason);
      stage_ = Stage::Done;
      return;
    }
    if (*taken == 0) {
      throw std::invalid_argument(
          fmt::format("{}: its headers announce more than its body holds", name()));
    }
    rest.remove_prefix(*taken);
  }
  in_turn_ = true;
  exchange_->start();
  in_turn_ = false;
  advance();
}

void TestCallState::leave() {
  left_ = left_ || !done();
  release();
}

void TestCallState::release() {
  if (!exchange_) return;
  next_turn_.reset();
  const auto exchange = std::exchange(exchange_, nullptr);
  exchange->leave();
  if (done()) return;
  stage_ = Stage::Done;
  response_.complete = false;
  exchange->cancel();
}

std::string TestCallState::name() const {
  return fmt::format("{} {}", to_string(request_.method), request_.target);
}

std::string TestCallState::describe() const { return exchange_ ? exchange_->describe() : name(); }

void TestCallState::on_progress() {
  if (!in_turn_) advance();
}

bool TestCallState::on_chunk(std::string_view chunk) {
  response_.body += chunk;
  // A producer that never waits gives way after each chunk.
  next_turn_->send();
  return false;
}

void TestCallState::advance() {
  in_turn_ = true;
  while (step()) {
  }
  in_turn_ = false;
}

/// Returns whether it got further.
bool TestCallState::step() {
  if (exchange_->running()) return false;
  switch (stage_) {
    case Stage::Handling:
      answer(*exchange_->take_response());
      return true;
    case Stage::Streaming:
      response_.complete = !exchange_->stream_failed();
      stage_ = Stage::Done;
      exchange_->answered(response_.status);
      exchange_->conclude();
      return false;
    case Stage::Done:
      return false;
  }
  return false;
}

void TestCallState::answer(Response response) {
  response_.status = response.status();
  response_.headers = response.headers();
  const bool bodiless =
      request_.method == Method::Head || framing_of(response, true) == BodyFraming::None;
  if (!bodiless && response.producer()) {
    stage_ = Stage::Streaming;
    exchange_->stream(response.producer());
    return;
  }
  if (!bodiless) response_.body = std::move(response.body());
  stage_ = Stage::Done;
  exchange_->answered(response_.status);
  exchange_->conclude();
}

}  // namespace reeve::worker

namespace reeve {

bool TestCall::done() const { return state_->done(); }

const std::string& TestCall::received() const { return state_->response().body; }

TestResponse TestCall::wait() {
  if (state_->left()) throw std::logic_error(state_->name() + ": its client has left");
  state_->wait();
  return state_->response();
}

void TestCall::leave() { state_->leave(); }

}  // namespace reeve
