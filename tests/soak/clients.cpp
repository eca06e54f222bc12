#include "tests/soak/clients.hpp"

namespace reeve::soak {

Clients::Clients(const Mix& mix, std::uint16_t port, std::uint64_t seed) {
  const auto add = [&](Kind kind, int count) {
    for (int i = 0; i < count; ++i) {
      const ClientPlan plan{
          .kind = kind, .port = port, .stream = mix.stream, .seed = seed + threads_.size()};
      threads_.emplace_back([this, plan] { Client(plan, ledger_).run(stopping_); });
    }
  };
  add(Kind::PerRequest, mix.per_request);
  add(Kind::KeepAlive, mix.keep_alive);
  add(Kind::Upload, mix.uploads);
  add(Kind::Stream, mix.streams);
}

Clients::~Clients() { stop(); }

bool Clients::goes_on(std::uint64_t count, Milliseconds patience) const {
  const std::uint64_t goal = ledger_.requests() + count;
  return e2e::eventually([&] { return ledger_.requests() >= goal; }, patience);
}

void Clients::stop() {
  stopping_ = true;
  threads_.clear();  // Joins.
}

}  // namespace reeve::soak
