"""Looks at the books when everything has ended. `judge` is a pure function over them (checker_test.py shows that it can
fail); the rest reads them from where they stand."""
import collections
import sqlite3

from coordinators import LANES

COMMAND_TOPICS = ("accounts.commands", "notices.commands")
DEAD_LETTERS = "saga.dead-letters"
SHOWN_MAX = 20

Command = collections.namedtuple("Command", "id key kind type transfer topic")
Effect = collections.namedtuple("Effect", "key command_id transfer kind account amount")
Account = collections.namedtuple("Account", "name opened balance")
# asked: transfer -> body; sagas: list of (transfer, status); replay: (exit status, words)
Books = collections.namedtuple("Books", "asked sagas commands effects accounts dead_letters replay")


# ---- judging ----

def judge(books):
    """Everything that does not hold, in words; an empty list is a good verdict."""
    return [*check_ends(books), *check_commands(books), *check_effects(books), *check_transfers(books),
            *check_money(books), *check_dead_letters(books), *check_replay(books)]


def check_ends(books):
    """Every transfer that was asked for is one saga, and has ended."""
    times = collections.Counter(transfer for transfer, _ in books.sagas)
    for transfer in books.asked:
        if times[transfer] == 0:
            yield f"transfer {transfer}: was asked for, and there is no saga of it"
    for transfer, count in times.items():
        if count > 1:
            yield f"transfer {transfer}: is listed {count} times"
        if transfer not in books.asked:
            yield f"transfer {transfer}: nobody asked for it"
    for transfer, status in books.sagas:
        if status not in ("completed", "compensated"):
            yield f"transfer {transfer}: has not ended, it is {status}"


def check_commands(books):
    """No command stands twice among what was committed."""
    for command_id, count in collections.Counter(command.id for command in books.commands).items():
        if count > 1:
            yield f"command {command_id}: was sent {count} times"


def check_effects(books):
    """Every effect follows from one command that was sent; no idempotency key has two."""
    commands = {command.id: command for command in books.commands}
    for key, count in collections.Counter(effect.key for effect in books.effects).items():
        if count > 1:
            yield f"idempotency key {key}: had {count} effects"
    for effect in books.effects:
        command = commands.get(effect.command_id)
        if command is None:
            yield f"effect of {effect.command_id}: no such command was committed"
        elif (command.key, command.type, command.transfer) != (effect.key, effect.kind, effect.transfer):
            yield f"effect of {effect.command_id}: is another than the command asks for"


def check_transfers(books):
    """What was done for a transfer fits how it ended, and each thing done was commanded."""
    done = collections.defaultdict(collections.Counter)
    commanded = collections.defaultdict(set)
    for effect in books.effects:
        done[effect.transfer][effect.kind] += 1
    for command in books.commands:
        commanded[command.transfer].add(command.type)
    for transfer, status in books.sagas:
        counts = done[transfer]
        got = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing"
        if status == "completed" and counts != {"Debit": 1, "Credit": 1, "Notify": 1}:
            yield f"transfer {transfer}: completed, and done was: {got}"
        if status == "completed" and commanded[transfer] != {"Debit", "Credit", "Notify"}:
            yield f"transfer {transfer}: completed, and commanded was: {sorted(commanded[transfer])}"
        if status == "compensated" and (counts["Debit"] != counts["UndoDebit"] or counts["Credit"] or
                                        counts["Notify"]):
            yield f"transfer {transfer}: compensated, and done was: {got}"
    for transfer in done.keys() - {transfer for transfer, _ in books.sagas}:
        yield f"transfer {transfer}: something was done, and there is no saga of it"


def check_money(books):
    """The sum is what it was; each account stands where its effects lead; each effect moves what was asked for."""
    opened, now = sum(a.opened for a in books.accounts), sum(a.balance for a in books.accounts)
    if opened != now:
        yield f"money is not conserved: {opened} at the beginning, {now} in the end"
    moved = collections.Counter()
    for effect in books.effects:
        if effect.account is None:
            continue
        moved[effect.account] += effect.amount
        body = books.asked.get(effect.transfer)
        expected = body and {"Debit": (body["from"], -body["amount"]), "Credit": (body["to"], body["amount"]),
                             "UndoDebit": (body["from"], body["amount"])}.get(effect.kind)
        if body and (effect.account, effect.amount) != expected:
            yield f"effect of {effect.command_id}: {effect.amount} on {effect.account}, asked for was {body}"
    for account in books.accounts:
        expected = account.opened + moved[account.name]
        if account.balance != expected:
            yield f"account {account.name}: {account.balance}, its effects lead to {expected}"


def check_dead_letters(books):
    if books.dead_letters:
        yield f"{books.dead_letters} records among the dead letters, and everything that was sent can be read"


def check_replay(books):
    code, words = books.replay
    if code != 0:
        yield f"saga replay --verify ends with {code}:\n{words.strip()}"


# ---- reading ----

def read_topic(servers, topic):
    """Every committed record, to where the topic ends now."""
    from confluent_kafka import Consumer, KafkaError, TopicPartition  # here, so that judging needs no more than Python
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "chaos-checker", "enable.auto.commit": False,
                         "auto.offset.reset": "earliest", "isolation.level": "read_committed",
                         "enable.partition.eof": True, "log_level": 0})
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(LANES)])
        ended = set()
        while len(ended) < LANES:
            for message in consumer.consume(1000, 0.5):
                if not message.error():
                    yield message
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
    finally:
        consumer.close()


def read_commands(servers):
    for topic in COMMAND_TOPICS:
        for message in read_topic(servers, topic):
            headers = {name: value.decode() for name, value in message.headers() or []}
            yield Command(headers["ce_id"], headers["ce_sagaidempotencykey"], headers["ce_sagakind"],
                          headers["ce_type"], message.key().decode(), topic)


def read_ledgers(ledgers):
    with sqlite3.connect(ledgers["accounts"], timeout=120) as ledger:
        accounts = [Account(*row) for row in ledger.execute("select name, opened, balance from account")]
        effects = [Effect(*row) for row in ledger.execute(
            "select idempotency_key, command_id, transfer, kind, account, amount from effect")]
    ledger.close()
    with sqlite3.connect(ledgers["notices"], timeout=120) as ledger:
        effects += [Effect(*row, None, None) for row in ledger.execute(
            "select idempotency_key, command_id, transfer, kind from effect")]
    ledger.close()
    return accounts, effects


def read_books(asked, coordinators, brokers, participants):
    sagas = [(saga["id"].removeprefix("bank-transfer/"), saga["status"]) for saga in coordinators.sagas()]
    accounts, effects = read_ledgers(participants.ledgers)
    return Books(asked=asked, sagas=sagas, commands=list(read_commands(brokers.servers)), effects=effects,
                 accounts=accounts, dead_letters=sum(1 for _ in read_topic(brokers.servers, DEAD_LETTERS)),
                 replay=coordinators.call("replay", "--verify", patience_s=1800))


def shown(violations):
    for violation in violations[:SHOWN_MAX]:
        yield violation
    if len(violations) > SHOWN_MAX:
        yield f"... and {len(violations) - SHOWN_MAX} more"
