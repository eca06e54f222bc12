#include "worker/lifespan/start_failure.hpp"

#include "reeve/config_error.hpp"
#include "reeve/scope.hpp"
#include "worker/task/text.hpp"

namespace reeve::worker {

StartFailure failure_of_open(const std::exception_ptr& error) {
  StartFailure failure{.code = ipc::WorkerExit::ResourceFailed, .reason = describe(error)};
  try {
    std::rethrow_exception(error);
  } catch (const OpenError& open) {  // From a resource that it has opened in its turn.
    failure.code = open.cause() ? failure_of_open(open.cause()).code : ipc::WorkerExit::TimedOut;
  } catch (const ConfigError&) {
    failure.code = ipc::WorkerExit::BadConfiguration;
  } catch (...) {  // NOLINT(bugprone-empty-catch): told by describe().
  }
  return failure;
}

}  // namespace reeve::worker
