#include "supervisor/deploy/config_file.hpp"

#include <algorithm>
#include <iterator>

namespace reeve::supervisor {

ipc::Result<Config> ConfigFile::read() const {
  if (!exists()) {
    return ipc::failure(
        "there is no configuration file to reread: the master was started without one");
  }
  auto config = load_config(path_);
  if (config) return std::move(*config);
  std::string errors = "the configuration has errors; nothing was changed";
  for (const ConfigError& error : config.error()) errors += "\n  " + to_string(error);
  return ipc::failure(std::move(errors));
}

ipc::Result<ListenerSet> ConfigFile::open(const std::vector<ListenerConfig>& listeners,
                                          const ListenerSet& open_now) {
  ListenerSet known = open_now;
  std::ranges::copy(kept_, std::back_inserter(known));
  auto opened = open_listeners(listeners, known, adopted_);
  if (!opened) return ipc::failure(opened.error().text + "; nothing was changed");
  keep_adopted(*opened);
  return opened;
}

void ConfigFile::keep_adopted(const ListenerSet& listeners) {
  for (const SharedListener& listener : listeners) {
    const bool is_kept = std::ranges::find(kept_, listener) != kept_.end();
    if (listener->adopted() && !is_kept) kept_.push_back(listener);
  }
}

const PoolConfig* find_pool(const Config& config, const std::string& name) {
  const auto found = std::ranges::find_if(
      config.pools, [&name](const PoolConfig& pool) { return pool.spec.name == name; });
  return found == config.pools.end() ? nullptr : &*found;
}

std::vector<ListenerConfig> listeners_of(const Config& config, const PoolConfig& pool) {
  std::vector<ListenerConfig> listeners;
  for (const std::string& name : pool.listen) {
    const auto found = std::ranges::find(config.listeners, name, &ListenerConfig::name);
    if (found != config.listeners.end()) listeners.push_back(*found);
  }
  return listeners;
}

}  // namespace reeve::supervisor
