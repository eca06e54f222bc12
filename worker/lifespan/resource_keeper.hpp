#pragma once
// Opens and closes the resources of one lifespan, each within its deadline, for the runtime, for a
// lifespan function, or for another resource's open function. Keeps the exit stack, tries
// optional ones again, and closes what came too late. It reports what happens and decides nothing
// else: neither what is logged nor when the worker ends. Loop thread only.

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "ipc/base/clock.hpp"
#include "ipc/base/uv.hpp"
#include "reeve/scope.hpp"
#include "worker/lifespan/events.hpp"
#include "worker/lifespan/exit_stack.hpp"
#include "worker/lifespan/node.hpp"
#include "worker/lifespan/overrides.hpp"
#include "worker/lifespan/wait_group.hpp"
#include "worker/task/context.hpp"

namespace reeve::worker {

/// How long the worker waits before it reports what it waits for. A test is less patient.
struct Patience {
  /// A resource that takes longer to open or to close is named, and again after each `name_again`.
  ipc::Duration name_after = std::chrono::seconds(2);
  ipc::Duration name_again = std::chrono::seconds(5);
  /// How often a drain that lasts says what it waits for.
  ipc::Duration drain_report = std::chrono::seconds(5);
};

class ResourceKeeper {
 public:
  using Observer = std::function<void(const LifespanEvent&)>;
  using NodePointer = std::shared_ptr<Node>;

  static constexpr std::chrono::milliseconds kLeastCloseTime{50};

  /// `overrides` may be null.
  ResourceKeeper(Context& context, State& state, Observer observer, const Overrides* overrides,
                 const Patience& patience = {});
  ~ResourceKeeper();
  ResourceKeeper(const ResourceKeeper&) = delete;
  ResourceKeeper& operator=(const ResourceKeeper&) = delete;

  /// A scope that is nobody's: of a lifespan function, or of what the app has registered.
  [[nodiscard]] std::unique_ptr<Scope> make_scope(Phase phase);

  /// Opens a resource within a scope; afterwards it is Open, or optional and Down. Throws what
  /// Scope::open() throws.
  [[nodiscard]] Task<NodePointer> open(Scope& scope, Resource resource);

  /// Ends all attempts to open what is down. Called when the drain begins; close() does it, too.
  void stop_retrying();

  /// Closes what is open, in reverse, all of it by `deadline`. Every resource gets its turn: one
  /// that is reached later still gets kLeastCloseTime. Nothing opens any more. A value is destroyed
  /// only when no function is left behind on a thread, which could still use it.
  [[nodiscard]] Task<> close(ipc::TimePoint deadline);

  [[nodiscard]] State& state() const { return state_; }
  void note(Node& node, std::string detail);

  /// Every resource that has begun to open and has not ended, in that order.
  [[nodiscard]] std::span<const NodePointer> nodes() const { return nodes_; }
  /// The resources that are open and not yet closing, in the order in which they became open.
  [[nodiscard]] std::vector<std::string> open_names() const;
  /// Null when there is none of that name.
  [[nodiscard]] const Node* find(std::string_view name) const;

 private:
  // resource_keeper_open.cpp: opening, and trying again.
  [[nodiscard]] NodePointer enter(Scope& scope, Resource resource);
  void refuse_entry(const Scope& scope, const std::string& name, const Resource& resource) const;
  [[nodiscard]] Task<bool> attempt(NodePointer node);
  [[nodiscard]] Task<> run_open(NodePointer node);
  void begin_attempt(Node& node);
  [[nodiscard]] bool accept(Node& node);
  void show_what_is_certain();
  void settle_failure(const NodePointer& node, bool cancelled);
  void report_failure(Node& node, bool cancelled);
  void on_late(const NodePointer& node, const std::exception_ptr& error);
  void retry_later(const NodePointer& node);
  [[nodiscard]] Task<> keep_trying(NodePointer node);

  // resource_keeper_close.cpp: closing.
  void close_below(const Node& node);
  void close_unwanted(const NodePointer& node);
  void close_soon(const std::vector<NodePointer>& nodes);
  void close_doomed();
  [[nodiscard]] Task<> close_in_order(std::vector<NodePointer> nodes);
  [[nodiscard]] Task<> close_all_open();
  [[nodiscard]] Task<> close_one(NodePointer node);
  [[nodiscard]] Task<> run_close(NodePointer node);
  void drop_value(Node& node);
  [[nodiscard]] ipc::Duration patience_with_stragglers() const;

  /// The open function has thrown: closes what is below the node, and forgets it unless it is tried
  /// again.
  void fail(const NodePointer& node);
  void forget(const NodePointer& node);
  [[nodiscard]] bool gives_up() const { return retrying_stopped_ || teardown_.has_value(); }
  void begin_to_time(Node& node);
  void name_slow_ones();
  void arm_slow_timer();

  Context& context_;
  State& state_;
  Observer observer_;
  const Overrides* overrides_;
  const Patience patience_;
  ExitStack<Node> stack_;
  std::vector<NodePointer> nodes_;
  std::vector<std::shared_ptr<void>> kept_;  // Values that a function left behind may still use.
  WaitGroup closers_;                        // Tasks that close what a failed opening has left.
  WaitGroup stragglers_;                     // Open functions that nobody waits for any more.
  bool retrying_stopped_ = false;
  std::optional<ipc::TimePoint> teardown_;  // Nothing opens any more; all is closed by then.
  bool teardown_goes_on_ = false;           // The teardown closes whatever is on the stack.
  std::minstd_rand chance_;
  ipc::uv::Timer doomed_timer_;
  ipc::uv::Timer slow_timer_;
};

}  // namespace reeve::worker
