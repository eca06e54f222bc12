// cron(): the only way to a calendar with a time zone. A worker without such a schedule does not
// link the zones.

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "reeve/schedule.hpp"
#include "worker/scheduler/cron_calendar.hpp"

namespace reeve {

Schedule cron(std::string_view expression, std::string_view zone) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument(fmt::format("cron(\"{}\"): {}", expression, why));
  };
  const auto fields = worker::CronFields::parse(expression);
  if (!fields) refuse(fields.error());
  auto found = worker::Zone::find(zone);
  if (!found) refuse(found.error());
  std::string text(expression);
  if (!zone.empty()) text += fmt::format(" {}", zone);
  return {std::move(text),
          std::make_shared<const worker::CronCalendar>(*fields, std::move(*found))};
}

}  // namespace reeve
