#pragma once
// The order in which a lifespan has to be closed: exactly the reverse of the order in which each
// resource became open; and which resource belongs to which. A pure value: no loop, no clock, no
// values. Resources that are over are forgotten, so that retries for weeks do not make it grow.
//
//   Opening --opened--> Open --closing--> Closing --closed--> Over --> forgotten, when nothing
//     |  ^                                                     ^       below it is left
//     |  +-- reopen --+                                        |
//     +-- failed --> Idle -------------- ended ----------------+

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace reeve::worker {

class ExitStack {
 public:
  using Id = std::size_t;

  /// A new resource begins to open, nested in another one or not.
  [[nodiscard]] Id add(std::optional<Id> parent);
  void reopen(Id id);
  /// The node is open, and the next to be closed.
  void opened(Id id);
  void failed(Id id);
  /// The node failed, and is not tried again.
  void ended(Id id);
  void closing(Id id);
  void closed(Id id);

  /// What to close next of everything, or nothing.
  [[nodiscard]] std::optional<Id> next() const;
  /// The open nodes below `id`, children and theirs, in the order in which to close them.
  [[nodiscard]] std::vector<Id> open_below(Id id) const;
  /// The nodes that are open and not yet closing, in the order in which they became open.
  [[nodiscard]] const std::vector<Id>& open() const { return stack_; }
  /// How many it remembers, in whatever place.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  enum class Place : std::uint8_t { Opening, Idle, Open, Closing, Over };
  struct Entry {
    std::optional<Id> parent;
    Place place = Place::Opening;
    std::size_t children = 0;  // So many that are not forgotten.
  };
  void move(Id id, Place from, Place to);
  void forget_what_is_over(Id id);
  [[nodiscard]] bool is_below(Id id, Id ancestor) const;

  std::map<Id, Entry> entries_;
  Id next_id_ = 0;
  std::vector<Id> stack_;  // The open ones, in the order in which they became so.
};

}  // namespace reeve::worker
