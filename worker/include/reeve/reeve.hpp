#pragma once
// Everything that a service includes.

#include "reeve/app.hpp"           // IWYU pragma: export
#include "reeve/app_config.hpp"    // IWYU pragma: export
#include "reeve/channel.hpp"       // IWYU pragma: export
#include "reeve/check.hpp"         // IWYU pragma: export
#include "reeve/combine.hpp"       // IWYU pragma: export
#include "reeve/config_error.hpp"  // IWYU pragma: export
#include "reeve/environment.hpp"   // IWYU pragma: export
#include "reeve/fork_safety.hpp"   // IWYU pragma: export
#include "reeve/job.hpp"           // IWYU pragma: export
#include "reeve/lifespan.hpp"      // IWYU pragma: export
#include "reeve/providers.hpp"     // IWYU pragma: export
#include "reeve/request.hpp"       // IWYU pragma: export
#include "reeve/resource.hpp"      // IWYU pragma: export
#include "reeve/response.hpp"      // IWYU pragma: export
#include "reeve/router.hpp"        // IWYU pragma: export
#include "reeve/schedule.hpp"      // IWYU pragma: export
#include "reeve/scope.hpp"         // IWYU pragma: export
#include "reeve/secret.hpp"        // IWYU pragma: export
#include "reeve/state.hpp"         // IWYU pragma: export
#include "reeve/sync.hpp"          // IWYU pragma: export
#include "reeve/task.hpp"          // IWYU pragma: export
#include "reeve/wait.hpp"          // IWYU pragma: export
#include "reeve/watch_limits.hpp"  // IWYU pragma: export
#include "reeve/worker_info.hpp"   // IWYU pragma: export
