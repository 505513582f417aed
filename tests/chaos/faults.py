"""What is done to the system: one row in KINDS a kind of fault, and how a run's faults are drawn from its seed.

To add a kind: write a function that draws one stroke of it, and give it a row. A stroke says in words what it does,
whom it concerns (two that concern the same are never done together), how long it lasts, and how it begins and ends.
Everything random is drawn in advance, from `draw`; begin and end get the world (chaos.py) and must not wait long."""
import collections
import signal

import coordinators
import participants
from brokers import NODES
from proxy import BACK, OUT

BROKER, REDIS = "a broker", "Redis"
DISK_NODE = NODES[-1]
LONG_S = (max(coordinators.SESSION_S, coordinators.TRANSACTION_S) + 2, 14)

Stroke = collections.namedtuple("Stroke", "kind words concerns seconds begin end")
Kind = collections.namedtuple("Kind", "name about draw weight", defaults=(1,))


def nothing(world):
    pass


def seconds(draw, low, high):
    return round(draw.uniform(low, high), 1)


# ---- coordinators ----

def coordinator_kill(draw):
    name = draw.choice(coordinators.NAMES)
    return Stroke(None, name, [name], seconds(draw, 0, 9), lambda world: world.coordinators.kill(name),
                  lambda world: world.coordinators.start(name))


def coordinator_kill_all(draw):
    def begin(world):
        for name in coordinators.NAMES:
            world.coordinators.kill(name)

    def end(world):
        for name in coordinators.NAMES:
            world.coordinators.start(name)
    return Stroke(None, "all three", list(coordinators.NAMES), seconds(draw, 0, 6), begin, end)


def _freeze(draw, low, high):
    name = draw.choice(coordinators.NAMES)
    return Stroke(None, name, [name], seconds(draw, low, high), lambda world: world.coordinators.stop(name),
                  lambda world: world.coordinators.go_on(name))


def coordinator_freeze(draw):
    return _freeze(draw, 0.3, coordinators.SESSION_S - 1)


def coordinator_freeze_long(draw):
    return _freeze(draw, *LONG_S)


def coordinator_restart(draw):
    name = draw.choice(coordinators.NAMES)

    def end(world):
        world.expect_clean_end(name)
        world.coordinators.start(name)
    return Stroke(None, name, [name], seconds(draw, 0.5, 6), lambda world: world.coordinators.terminate(name), end)


def coordinator_guest(draw):
    name = coordinators.GUEST

    def end(world):
        world.coordinators.terminate(name)
        world.expect_clean_end(name)
    return Stroke(None, name, [name], seconds(draw, 3, 9), lambda world: world.coordinators.start(name), end)


def clock_jump(draw):
    name = coordinators.CLOCKED
    jump = draw.choice((-1, 1)) * draw.randint(6, 60)
    return Stroke(None, f"{name} by {jump:+d} s", [name], seconds(draw, 2, 9),
                  lambda world: world.coordinators.set_clock(jump), lambda world: world.coordinators.set_clock(0))


# ---- Redis ----

def redis_kill(draw):
    return Stroke(None, "its data stays", [REDIS], seconds(draw, 0, 6), lambda world: world.redis.kill(True),
                  lambda world: world.redis.restart_master())


def redis_kill_empty(draw):
    return Stroke(None, "its data is gone", [REDIS], seconds(draw, 0, 6), lambda world: world.redis.kill(False),
                  lambda world: world.redis.restart_master())


def redis_flushall(draw):
    return Stroke(None, "", [REDIS], 0, lambda world: world.redis.flush(), nothing)


def redis_freeze(draw):
    return Stroke(None, "", [REDIS], seconds(draw, 0.5, 9),
                  lambda world: world.redis.master.process.signal(signal.SIGSTOP),
                  lambda world: world.redis.master.process.signal(signal.SIGCONT))


def redis_failover(draw):
    stale = seconds(draw, 1, 6)

    def end(world):
        world.redis.fail_over()
        world.redis.restart_replica()
    return Stroke(None, f"to a replica that is {stale} s behind", [REDIS], stale, lambda world: world.redis.part(), end)


# ---- brokers ----

def broker_kill(draw):
    node = draw.choice(NODES)
    return Stroke(None, str(node), [BROKER], seconds(draw, 0, 8), lambda world: world.brokers.kill(node),
                  lambda world: world.brokers.start_node(node))


def broker_restart(draw):
    node = draw.choice(NODES)

    def end(world):
        world.brokers.end(node)
        world.brokers.start_node(node)
    return Stroke(None, str(node), [BROKER], seconds(draw, 1, 5), lambda world: world.brokers.terminate(node), end)


def _freeze_brokers(nodes, words, hold):
    def each(number):
        return lambda world: [world.brokers.processes[node].signal(number) for node in nodes]
    return Stroke(None, words, [BROKER], hold, each(signal.SIGSTOP), each(signal.SIGCONT))


def broker_freeze(draw):
    node = draw.choice(NODES)
    return _freeze_brokers([node], str(node), seconds(draw, 1, 12))


def broker_freeze_all(draw):
    return _freeze_brokers(NODES, "all three", seconds(draw, 1, 9))


def broker_cut(draw):
    """The others do not reach it nor it them, but clients still do: a leader that nobody follows."""
    node = draw.choice(NODES)
    return Stroke(None, f"{node} from the other two", [BROKER], seconds(draw, 3, 12),
                  lambda world: [link.cut() for link in world.brokers.links_between(node)],
                  lambda world: [link.mend() for link in world.brokers.links_between(node)])


def broker_disk_full(draw):
    return Stroke(None, str(DISK_NODE), [BROKER], seconds(draw, 3, 8), lambda world: world.brokers.fill_disk(DISK_NODE),
                  lambda world: world.brokers.empty_disk(DISK_NODE))


# ---- lines ----

def _line(draw, what):
    """Whose line, and where to; `what` is done to each link of it."""
    name = draw.choice(coordinators.NAMES * 2 + participants.NAMES)
    targets = ["all brokers", f"broker-{draw.choice(NODES)}"]
    if name in coordinators.NAMES:
        targets += ["redis", "everything"]
    target = draw.choice(targets)

    def links(world):
        if target == "everything":
            return world.lines.from_to(name, None)
        if target == "all brokers":
            return [link for node in NODES for link in world.lines.from_to(name, f"broker-{node}")]
        return world.lines.from_to(name, target)
    return name, f"{name} to {target}", lambda world: [what(link) for link in links(world)], \
        lambda world: [link.mend() for link in links(world)]


def line_cut(draw):
    name, words, begin, end = _line(draw, lambda link: link.cut())
    return Stroke(None, words, [name], seconds(draw, 0.2, 12), begin, end)


def line_swallow(draw):
    ways = draw.choice(((OUT,), (BACK,), (OUT, BACK)))
    name, words, begin, end = _line(draw, lambda link: link.swallow(ways))
    return Stroke(None, f"{words}, {' and '.join(ways)}", [name], seconds(draw, 0.5, 12), begin, end)


def line_delay(draw):
    delay = draw.choice((0.05, 0.2, 0.5, 1.0))
    ways = draw.choice(((OUT,), (BACK,), (OUT, BACK)))
    name, words, begin, end = _line(draw, lambda link: link.slow_down(ways, delay))
    return Stroke(None, f"{words}, {' and '.join(ways)}, {delay * 1000:.0f} ms", [name], seconds(draw, 2, 10), begin,
                  end)


# ---- participants ----

def participant_kill(draw):
    name = draw.choice(participants.NAMES)
    return Stroke(None, name, [name], seconds(draw, 0, 8), lambda world: world.participants.processes[name].kill(),
                  lambda world: world.participants.processes[name].start())


def participant_freeze(draw):
    name = draw.choice(participants.NAMES)
    return Stroke(None, name, [name], seconds(draw, 0.5, 12),
                  lambda world: world.participants.processes[name].signal(signal.SIGSTOP),
                  lambda world: world.participants.processes[name].signal(signal.SIGCONT))


KINDS = [
    Kind("coordinator-kill", "SIGKILL, started again later", coordinator_kill, 2),
    Kind("coordinator-kill-all", "SIGKILL of all three", coordinator_kill_all),
    Kind("coordinator-freeze", "SIGSTOP, shorter than the session", coordinator_freeze),
    Kind("coordinator-freeze-long", "SIGSTOP, longer than the session and the transaction", coordinator_freeze_long, 2),
    Kind("coordinator-restart", "SIGTERM, a clean end, started again", coordinator_restart),
    Kind("coordinator-guest", "a fourth joins for a while: two rebalances", coordinator_guest),
    Kind("clock-jump", "the wall clock of one jumps, and back", clock_jump, 2),
    Kind("redis-kill", "SIGKILL, back with its data", redis_kill),
    Kind("redis-kill-empty", "SIGKILL, back without its data", redis_kill_empty),
    Kind("redis-flushall", "FLUSHALL", redis_flushall),
    Kind("redis-freeze", "SIGSTOP", redis_freeze),
    Kind("redis-failover", "a stale replica takes the master's place", redis_failover),
    Kind("broker-kill", "SIGKILL of one of three", broker_kill, 2),
    Kind("broker-restart", "SIGTERM of one of three", broker_restart),
    Kind("broker-freeze", "SIGSTOP of one of three", broker_freeze),
    Kind("broker-freeze-all", "SIGSTOP of all three", broker_freeze_all),
    Kind("broker-cut", "one is cut off from the others, not from clients", broker_cut),
    Kind("broker-disk-full", "no room left where one keeps its log", broker_disk_full),
    Kind("line-cut", "a client's connections end, and no new ones come", line_cut, 2),
    Kind("line-swallow", "a client's line swallows everything, one way or both", line_swallow, 2),
    Kind("line-delay", "a client's line gets long", line_delay),
    Kind("participant-kill", "SIGKILL of a service", participant_kill),
    Kind("participant-freeze", "SIGSTOP of a service", participant_freeze),
]


def episodes(draw, left_out=(), only=()):
    """For ever: lists of (begins after so many seconds, stroke) that are under way together. Kinds come from a bag that
    is filled again when it is empty, so that each comes about as often as its weight says, in a short run too."""
    kinds = [kind for kind in KINDS if kind.name not in left_out and (not only or kind.name in only)]
    bag = []

    def take():
        if not bag:
            bag.extend(kind for kind in kinds for _ in range(kind.weight))
            draw.shuffle(bag)
        kind = bag.pop()
        return kind.draw(draw)._replace(kind=kind.name)

    waiting = take()
    while True:
        episode, concerned = [], set()
        size = draw.choices((1, 2, 3), (4, 4, 2))[0]
        while len(episode) < size and not concerned & set(waiting.concerns):
            episode.append((seconds(draw, 0, 3) if episode else 0.0, waiting))
            concerned |= set(waiting.concerns)
            waiting = take()
        yield episode
