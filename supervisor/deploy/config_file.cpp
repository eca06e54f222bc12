#include "supervisor/deploy/config_file.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <set>

namespace reeve::supervisor {

void ConfigFile::read(OnConfig on_config) {
  if (exists()) return read_with({}, on_config);
  on_config(
      ipc::failure("there is no configuration file to reread: the master was started without one"));
}

/// Reads the file again for what was found out: the first reading says which users are needed.
void ConfigFile::read_with(const Users& users, const OnConfig& on_config) {
  if (!closed_.empty()) return on_config(ipc::failure(closed_));
  std::set<std::string> unknown;
  auto config = load_config(path_, [&](const std::string& name) -> FoundUser {
    if (const auto known = users.find(name); known != users.end()) return known->second;
    unknown.insert(name);
    return std::unexpected("it is looked up");
  });
  if (!unknown.empty()) {
    struct LookUp {
      Users users;
      std::size_t missing;
    };
    const auto look_up = std::make_shared<LookUp>(LookUp{users, unknown.size()});
    for (const std::string& name : unknown) {
      ask_for_user_(name, [this, look_up, name, on_config](FoundUser found) {
        look_up->users.emplace(name, std::move(found));
        if (--look_up->missing == 0) read_with(look_up->users, on_config);
      });
    }
    return;
  }
  if (config) return on_config(std::move(*config));
  std::string errors = "the configuration has errors; nothing was changed";
  for (const ConfigError& error : config.error()) errors += "\n  " + to_string(error);
  on_config(ipc::failure(std::move(errors)));
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

}  // namespace reeve::supervisor
