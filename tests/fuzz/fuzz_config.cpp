// The configuration of anyone: it is refused with at least one error, each of them one line, or it
// is one that the master can act on.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "ipc/format/document.hpp"
#include "supervisor/config/config.hpp"
#include "supervisor/config/limits.hpp"

namespace {

using namespace reeve::supervisor;

void require(bool holds) {
  if (!holds) std::abort();
}

void check(const std::vector<ConfigError>& errors) {
  require(!errors.empty());
  for (const ConfigError& error : errors) {
    require(error.line > 0 && error.column > 0);
    require(!error.text.empty() && !to_string(error).contains('\n'));
  }
}

/// The app's table can be read by the worker that gets it, and means the same there.
void check_app(const std::string& text) {
  namespace document = reeve::ipc::document;
  const auto read = document::parse_document(text);
  require(read && document::write_document(std::get<document::Table>(read->data)) == text);
}

void check(const Config& config) {
  require(!config.pools.empty());
  for (const PoolConfig& pool : config.pools) {
    require(!pool.spec.name.empty() && !pool.command.empty() && !pool.command.front().empty());
    require(pool.spec.workers >= 0 && pool.spec.surge + pool.spec.max_unavailable >= 1);
    for (const auto& [name, value] : pool.limits.resources)
      require(resource_number(name).has_value());
    check_app(pool.app);
    require(pool.spec.grace > Duration{} && pool.spec.backoff_first <= pool.spec.backoff_max);
  }
  require(!summary(config).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const LoadResult config = parse_config(text, "fuzz.toml")) {
    check(*config);
  } else {
    check(config.error());
  }
  return 0;
}
