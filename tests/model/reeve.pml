/* A model of one pool: the master's core (supervise, roll, drain) above a kernel that reuses pids.
 *
 * Three slots, PIDS process ids, and in any order FAULTS crashes or slow starts and COMMANDS rolls,
 * stops or starts. Deadlines and pauses may end at any moment, so every timing is covered, that of a
 * stalled master included. When faults and commands are used up it is calm: whoever boots gets
 * ready, and no worker obeys TERM any more, so that what ends then ends by the master's own doing.
 *
 * Transcribed from supervisor/core (pool.cpp, pool_roll.cpp, pool_orders.cpp) and from the order of
 * reading and reaping in supervisor/system/reaper.cpp; names are those of the code. What it leaves
 * out: soak, canaries, recycling, the watchdog and the lengths of time, which reeve_sim has.
 *
 * Each BUG_* puts a known mistake in; the checker must find every one (see run.sh).
 */

#define SLOTS 3
#ifndef PIDS
#define PIDS 5
#endif
#define SURGE 1
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef COMMANDS
#define COMMANDS 2
#endif
#ifndef MAX_DRAINING
#define MAX_DRAINING 1
#endif
#define NOBODY PIDS /* has an entry in the tables, for the failed fork only */

/* --- the kernel ----------------------------------------------------------------------------- */

/* A Free pid is anybody's: a signal to one may hit a stranger. */
mtype:process = { Free, Booting, Up, Zombie };

mtype:process process[PIDS + 1] = Free;
bool term[PIDS + 1]; /* SIGTERM was sent, and the worker has not ended */
bool shot[PIDS + 1]; /* SIGKILL was */
bool said[PIDS + 1]; /* a READY=1 from this pid waits in the notify socket; it outlives its sender */
byte faults = FAULTS; /* that are still to come */
byte commands = COMMANDS;
bool out_of_pids; /* more processes at once than this model has room for: it follows no further */

#define CALM (faults == 0 && commands == 0)
#define ALIVE(p) (process[p] == Booting || process[p] == Up)

/* --- the master ----------------------------------------------------------------------------- */

mtype:phase = { None, Starting, Serving, Draining, Killed };
/* Down is STOPPED, EXITED and FATAL: nothing but a command ends it. */
mtype:state = { Down, Start, Running, Stopping, Backoff };

/* Workers, by pid: the master knows one from its fork until it is reaped. */
mtype:phase phase[PIDS + 1] = None;
byte slot_of[PIDS + 1];
bool fresh[PIDS + 1]; /* of the generation that the roll leads to */

mtype:state state[SLOTS] = Down;
byte current[SLOTS] = NOBODY;
byte successor[SLOTS] = NOBODY;
bool again; /* Start when they are down: slots are stopped and started all at once. */

bool rolling;
bool back;
bool pending[SLOTS];
byte starting[SLOTS] = NOBODY;
bool done[SLOTS];

/* Only to check: this slot served when the roll began, and its worker has not crashed since. */
bool served[SLOTS];

/* Scratch variables: hidden, no part of a state. */
hidden byte i, j, fork_pid, successors, draining, working, busy, serves, who, slot, was_fresh;

/* --- orders --------------------------------------------------------------------------------- */

/* A pid that was reaped belongs to nobody, or by now to a stranger. */
inline assert_own(p) { assert(out_of_pids || process[p] != Free) }

inline drain(p) {
  if
  :: phase[p] == Starting || phase[p] == Serving ->
     phase[p] = Draining;
     assert_own(p);
     term[p] = ALIVE(p)
  :: else
  fi
}

inline kill(p) {
  phase[p] = Killed;
  assert_own(p);
  shot[p] = ALIVE(p)
}

/* The lowest free pid: reused as soon as it can be. */
inline fork(s, is_fresh) {
  fork_pid = 0;
  do
  :: fork_pid < PIDS && process[fork_pid] != Free -> fork_pid++
  :: else -> break
  od;
  if :: fork_pid == NOBODY -> out_of_pids = true; faults = 0; commands = 0 :: else fi;
  process[fork_pid] = Booting;
  phase[fork_pid] = Starting;
  slot_of[fork_pid] = s;
  fresh[fork_pid] = is_fresh
}

/* Takes a worker out of its place. One that was killed already counts as told, for check(). */
inline retire(place) {
  if
  :: place != NOBODY -> drain(place); term[place] = ALIVE(place); place = NOBODY
  :: else
  fi
}

inline start(s, is_fresh) {
  fork(s, is_fresh);
  current[s] = fork_pid;
  state[s] = Start
}

inline start_current(s) {
  if
  :: rolling && !back -> state[s] = Start; done[s] = false; pending[s] = true
  :: else -> start(s, false)
  fi
}

/* --- the roll ------------------------------------------------------------------------------- */

inline count_workers() {
  successors = 0; draining = 0; working = 0;
  for (i : 0 .. SLOTS - 1) {
    if :: successor[i] != NOBODY -> successors++ :: else fi
  }
  for (i : 0 .. PIDS - 1) {
    if
    :: phase[i] == Draining || phase[i] == Killed -> draining++
    :: phase[i] == Starting || phase[i] == Serving -> working++
    :: else
    fi
  }
}

inline end_roll() {
  rolling = false; back = false;
  for (i : 0 .. SLOTS - 1) {
    pending[i] = false; starting[i] = NOBODY; done[i] = false; served[i] = false
  }
  for (i : 0 .. PIDS - 1) { fresh[i] = false }
}

inline finish_roll() {
  for (i : 0 .. SLOTS - 1) { /* Rolled means that no old worker serves on. */
    assert(out_of_pids || back || current[i] == NOBODY || fresh[current[i]])
  }
  end_roll()
}

inline advance_roll() {
  if
  :: rolling ->
     busy = false;
     for (j : 0 .. SLOTS - 1) {
       count_workers();
       if
       :: pending[j] && state[j] != Stopping && current[j] == NOBODY ->
          start(j, !back);
          starting[j] = fork_pid;
          pending[j] = false
       :: pending[j] && state[j] != Stopping && current[j] != NOBODY && successors < SURGE &&
          successors + draining < MAX_DRAINING ->
          fork(j, !back);
          successor[j] = fork_pid;
          starting[j] = fork_pid;
          pending[j] = false;
#ifdef BUG_BREAK_BEFORE_MAKE
          drain(current[j]);
          state[j] = Start;
          current[j] = successor[j];
          successor[j] = NOBODY
#endif
       :: else
       fi;
       if :: pending[j] || starting[j] != NOBODY -> busy = true :: else fi
     }
     if :: !busy -> finish_roll() :: else fi
  :: else
  fi
}

inline turn_back() {
  back = true;
  for (i : 0 .. SLOTS - 1) {
    if :: current[i] != NOBODY -> pending[i] = false :: else fi
  }
  for (i : 0 .. SLOTS - 1) {
    if
    :: starting[i] != NOBODY && successor[i] != NOBODY -> retire(successor[i])
    :: starting[i] != NOBODY && successor[i] == NOBODY -> retire(current[i]); pending[i] = true
    :: else
    fi;
    starting[i] = NOBODY;
    if
    :: done[i] && current[i] != NOBODY && fresh[current[i]] -> pending[i] = true
    :: else
    fi;
    done[i] = false
  }
}

inline roll_failed(s, p) {
  if
  :: rolling && (starting[s] == p || (done[s] && was_fresh == !back)) ->
     if :: starting[s] == p -> starting[s] = NOBODY :: else fi;
     if :: !back -> turn_back() :: else fi
  :: else
  fi
}

/* --- facts about workers -------------------------------------------------------------------- */

inline ready(p) {
  if
  :: phase[p] == Starting -> /* Else it said so twice, or while it drains. */
     phase[p] = Serving;
     if
     :: successor[slot_of[p]] == p ->
        retire(current[slot_of[p]]);
        current[slot_of[p]] = p;
        successor[slot_of[p]] = NOBODY
     :: else
     fi;
     state[slot_of[p]] = Running;
     served[slot_of[p]] = rolling && process[p] == Up;
     if
     :: rolling && starting[slot_of[p]] == p ->
        starting[slot_of[p]] = NOBODY;
        done[slot_of[p]] = true
     :: else
     fi;
     advance_roll();
     check()
  :: else
  fi
}

/* `answer` is the restart policy's, and may be any at any time: Start means at once. */
inline restart_or_leave(s, p, answer) {
  if :: answer != Start -> state[s] = answer :: else fi;
  roll_failed(s, p);
  if
  :: answer == Start -> start_current(s)
  :: else
  fi
}

inline current_ended(s, p, answer) {
  if
  :: state[s] == Stopping ->
     state[s] = Down;
     if :: again -> start_current(s) :: else fi
  :: state[s] != Stopping && successor[s] != NOBODY ->
     current[s] = successor[s];
     successor[s] = NOBODY;
     state[s] = Start
  :: state[s] != Stopping && successor[s] == NOBODY -> restart_or_leave(s, p, answer)
  fi
}

/* The master forgets a pid in the moment in which it reaps it: the next fork may get it back. */
inline reap(p, answer) {
  assert(process[p] == Zombie);
  process[p] = Free;
  slot = slot_of[p];
  was_fresh = fresh[p];
#ifdef BUG_PID_KEPT
  if :: phase[p] != Draining -> phase[p] = None :: else fi;
#else
  phase[p] = None;
  slot_of[p] = 0;
  fresh[p] = false;
#endif
  if
  :: successor[slot] == p ->
     successor[slot] = NOBODY;
#ifndef BUG_SUCCESSOR_UNMISSED
     roll_failed(slot, p)
#endif
  :: current[slot] == p ->
     current[slot] = NOBODY;
     current_ended(slot, p, answer)
  :: else
  fi;
  advance_roll();
  check()
}

inline deadline(p) {
  if
  :: phase[p] == Starting ->
     faults--;
     kill(p);
#ifdef BUG_TWIN
     if
     :: current[slot_of[p]] == p -> start(slot_of[p], fresh[p])
     :: else
     fi
#endif
  :: else -> kill(p)
  fi;
  check()
}

/* --- commands ------------------------------------------------------------------------------- */

inline start_all() {
  for (j : 0 .. SLOTS - 1) {
    if
    :: state[j] == Stopping -> again = true
    :: state[j] == Down || state[j] == Backoff -> start_current(j)
    :: else
    fi
  }
  advance_roll();
  check()
}

inline stop_all() {
  again = false;
  if
  :: rolling ->
     for (j : 0 .. SLOTS - 1) { retire(successor[j]) }
     end_roll()
  :: else
  fi;
  for (j : 0 .. SLOTS - 1) {
    if
    :: state[j] == Start || state[j] == Running -> drain(current[j]); state[j] = Stopping
    :: state[j] == Backoff -> state[j] = Down
    :: else
    fi
  }
  check()
}

inline roll_all() {
  rolling = true;
  for (j : 0 .. SLOTS - 1) {
    pending[j] = true;
    served[j] = state[j] == Running && process[current[j]] == Up
  }
  advance_roll();
  check()
}

/* --- what must hold after each event -------------------------------------------------------- */

inline check_pool() {
  for (i : 0 .. SLOTS - 1) {
    /* A slot that wants a worker has exactly one owner; one that is down has none. */
    if
    :: state[i] == Start || state[i] == Running || state[i] == Stopping ->
       assert(current[i] != NOBODY && slot_of[current[i]] == i);
       assert(process[current[i]] != Free);
       assert(state[i] != Running || phase[current[i]] == Serving);
       assert(state[i] != Stopping || phase[current[i]] == Draining || phase[current[i]] == Killed)
    :: else -> assert(current[i] == NOBODY && successor[i] == NOBODY)
    fi;
    assert(successor[i] == NOBODY || (rolling && slot_of[successor[i]] == i))
  }
  for (i : 0 .. PIDS - 1) {
    /* No child is lost: the master knows it, and it has a place or is on its way out. */
    assert(!ALIVE(i) || phase[i] != None);
    assert((phase[i] != Starting && phase[i] != Serving) || current[slot_of[i]] == i ||
           successor[slot_of[i]] == i);
    /* READY of a former worker counts for nobody. */
    assert(phase[i] != Serving || process[i] != Booting);
    /* A killed worker still owns its place: two processes that boot or serve for one slot are
     * a worker and its successor. */
    if
    :: phase[i] == Killed && current[slot_of[i]] != i && successor[slot_of[i]] != i && ALIVE(i) ->
       assert(term[i])
    :: else
    fi
  }
  count_workers();
  assert(working <= SLOTS + SURGE);
  assert(successors <= SURGE);
  /* A slot that served serves on, unless its worker crashed or it was stopped: ready workers do
   * not fall below `workers` in a roll. */
  for (j : 0 .. SLOTS - 1) {
    serves = !served[j];
    for (i : 0 .. PIDS - 1) {
      if
      :: process[i] == Up && phase[i] == Serving && slot_of[i] == j && !term[i] && !shot[i] -> serves = true
      :: else
      fi
    }
    assert(serves)
  }
}

inline check() {
  if :: !out_of_pids -> check_pool() :: else fi
}

/* When nothing can happen any more: no drain has been forgotten, no roll, and no pause. */
inline check_rest() {
  assert(out_of_pids || !rolling);
  for (i : 0 .. SLOTS - 1) {
    assert(out_of_pids || (state[i] == Running && process[current[i]] == Up) || state[i] == Down)
  }
  for (i : 0 .. PIDS - 1) {
    assert(out_of_pids || phase[i] == None || phase[i] == Serving)
  }
}

/* --- processes ------------------------------------------------------------------------------ */

/* Chooses a pid for which `can` holds; waits for one. */
#if PIDS > 5
#define PID_5(can) :: can(5) -> who = 5
#else
#define PID_5(can)
#endif
#define ANY_PID(can)                                              \
  if                                                              \
  :: can(0) -> who = 0 :: can(1) -> who = 1 :: can(2) -> who = 2  \
  :: can(3) -> who = 3 :: can(4) -> who = 4 PID_5(can)            \
  fi

#define BOOTS(p) (process[p] == Booting)
#define IS_SHOT(p) (ALIVE(p) && shot[p])
#define OBEYS(p) (ALIVE(p) && term[p] && !CALM)
#define CRASHES(p) (ALIVE(p) && faults > 0)

inline end_process(p) {
  process[p] = Zombie;
  term[p] = false;
  shot[p] = false
}

/* What happens without the master. */
active proctype Kernel() {
  do
  :: atomic { ANY_PID(BOOTS); d_step { process[who] = Up; said[who] = true } }
  :: atomic { ANY_PID(IS_SHOT); d_step { end_process(who) } }
  :: atomic { ANY_PID(OBEYS); d_step { end_process(who) } }
  :: atomic { ANY_PID(CRASHES); d_step { faults--; served[slot_of[who]] = false; end_process(who) } }
  od
}

#define SAID(p) said[p]
#define IS_ZOMBIE(p) (process[p] == Zombie)
#define MAY_GIVE_UP(p) (process[p] == Zombie && phase[p] != Draining)
/* A start_timeout that expires is a fault; a grace that does is not. */
#ifdef BUG_NO_GRACE
#define IS_DUE(p) (phase[p] == Starting && faults > 0)
#else
#define IS_DUE(p) ((phase[p] == Starting && faults > 0) || phase[p] == Draining)
#endif

/* A zombie says nothing more: what is read now is all that it ever said. */
inline read_first(p) {
#ifdef BUG_REAPED_UNREAD
  skip
#else
  if :: said[p] -> said[p] = false; ready(p) :: else fi
#endif
}

inline pause_ends(s) { d_step { start_current(s); advance_roll(); check(); skip } }

active proctype Master() {
  d_step { start_all(); skip }
  do
  :: atomic { ANY_PID(SAID); d_step { said[who] = false; ready(who); skip } }
  :: atomic { ANY_PID(IS_ZOMBIE); d_step { read_first(who); reap(who, Start); skip } }
  :: atomic { ANY_PID(MAY_GIVE_UP); d_step { read_first(who); reap(who, Backoff); skip } }
  :: atomic { ANY_PID(MAY_GIVE_UP); d_step { read_first(who); reap(who, Down); skip } }
  :: atomic { ANY_PID(IS_DUE); d_step { deadline(who); skip } }
  :: atomic { state[0] == Backoff -> pause_ends(0) }
  :: atomic { state[1] == Backoff -> pause_ends(1) }
  :: atomic { state[2] == Backoff -> pause_ends(2) }
  :: commands > 0 -> d_step { commands--; start_all(); skip }
  :: commands > 0 -> d_step { commands--; stop_all(); skip }
  :: commands > 0 && !rolling -> d_step { commands--; roll_all(); skip }
  :: timeout -> d_step { check_rest(); skip } -> break
  od
}

/* --- what must happen ----------------------------------------------------------------------- */

#define AT_REST(s) (state[s] == Running || state[s] == Down)

/* Once it is calm, every drain ends, also of workers that ignore TERM ... */
ltl drains_end {
  [] ((CALM && phase[0] == Draining) -> <> (phase[0] != Draining && phase[0] != Killed || out_of_pids))
}
/* ... and every slot comes to a worker that serves, or to a final state; and every roll ends. */
ltl settles {
  [] (CALM -> <> [] ((!rolling && AT_REST(0) && AT_REST(1) && AT_REST(2)) || out_of_pids))
}
