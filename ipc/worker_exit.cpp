// Words for the master's log. The header, which workers include, has the numbers alone.

#include "ipc/worker_exit.hpp"

namespace reeve::ipc {

std::string_view meaning_of_exit(int code) {
  switch (static_cast<WorkerExit>(code)) {
    case WorkerExit::Stopped:
      return "";
    case WorkerExit::BadUsage:
      return "its command line is wrong, or it has nothing to listen on";
    case WorkerExit::ResourceFailed:
      return "a required resource could not be opened";
    case WorkerExit::InternalError:
      return "the program has an error";
    case WorkerExit::SystemError:
      return "the system refused what it needs";
    case WorkerExit::TimedOut:
      return "a required resource was not open in time";
    case WorkerExit::BadConfiguration:
      return "its environment or configuration is wrong";
    case WorkerExit::OpenedTooEarly:
      return "it had threads or sockets before its lifespan began";
  }
  return "";
}

}  // namespace reeve::ipc
