#include "tests/soak/options.hpp"

#include <CLI/CLI.hpp>
#include <random>
#include <string>

namespace reeve::soak {
namespace {

using Scenario = Options::Scenario;

struct Offer {
  Scenario scenario;
  const char* name;
  const char* about;
  const char* count;  ///< the option that says how often
  const char* of_what;
  int times;
  std::uint64_t requests;
};

constexpr Offer kOffers[] = {
    {Scenario::Deploys, "deploys", "Rolling restarts of two workers", "--rolls", "rolling restarts",
     200, 200'000},
    {Scenario::Hups, "hups", "25 HUPs 0 to 24 ms apart, then a loop of them, each with a new file",
     "--hups", "HUPs of the loop", 1000, 0},
    {Scenario::Upgrades, "upgrades", "Replacing the master in place", "--upgrades", "upgrades", 10,
     20'000},
    {Scenario::Kills, "kills", "kill -9 of one worker after the other", "--kills", "kills", 25,
     20'000},
    {Scenario::Recycles, "recycles", "Workers that are replaced for their age", "--recycles",
     "workers to be recycled", 100, 20'000},
    {Scenario::Schedule, "schedule",
     "What one worker does each second; with five rolls come two kills of who does it", "--rolls",
     "rolling restarts", 50, 20'000},
};

void add(CLI::App& app, const Offer& offer, Options& options, int& stream_ms) {
  CLI::App* command = app.add_subcommand(offer.name, offer.about);
  command->add_option(offer.count, options.times, offer.of_what)->check(CLI::PositiveNumber);
  command->add_option("--requests", options.requests, "Requests to make at least");
  command->add_option("--seconds", options.seconds, "Seconds to take at least");
  command->add_option("--stream-ms", stream_ms, "How long each stream lasts")
      ->check(CLI::Range(100, 9'000))
      ->capture_default_str();
  command->add_option("--max-draining", options.max_draining, "Old workers that may still drain")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options.seed, "What the clients and the pauses are drawn from");
}

}  // namespace

std::expected<Options, int> parse(int argc, char** argv) {
  CLI::App app("Mixed load from clients that never retry, while things are done to the pool.",
               "soak");
  Options options;
  options.seed = std::random_device{}();
  int stream_ms = static_cast<int>(options.mix.stream.count());
  for (const Offer& offer : kOffers) add(app, offer, options, stream_ms);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error) == 0 ? 0 : 2);
  }
  options.mix.stream = Milliseconds(stream_ms);
  for (const Offer& offer : kOffers) {
    const CLI::App* command = app.get_subcommand(offer.name);
    if (!command->parsed()) continue;
    options.scenario = offer.scenario;
    if (command->count(offer.count) == 0) options.times = offer.times;
    if (command->count("--requests") == 0) options.requests = offer.requests;
  }
  return options;
}

}  // namespace reeve::soak
