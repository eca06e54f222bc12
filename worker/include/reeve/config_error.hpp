#pragma once
// ConfigError: the operator made a mistake, in a variable or in the configuration. Its text names
// the key, the mistake and the remedy. A start that it ends exits with App::BadConfiguration.

#include <stdexcept>

namespace reeve {

/// The operator's mistake; what() names the key, the mistake and the remedy.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace reeve
