"""What schemathesis does beside tests/http/schemathesis.toml."""
import re

import schemathesis

DURATION = re.compile(r"([0-9]+(d|h|m|s|ms))+")
DEFINITION = """saga: made-up-{0}
version: {1}
participants:
  inventory: {{ commands: inventory.commands, replies: inventory.replies }}
start: {{ topic: shop.orders, event: MadeUp, key: .word }}
steps:
  - step: one
    send: inventory/ReserveStock
    success: StockReserved
    compensate: none
"""


@schemathesis.hook
def before_call(context, case, kwargs):
    """Nobody waits for minutes."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, str) and DURATION.fullmatch(wait):
        case.query["wait"] = "50ms"


@schemathesis.hook
def map_body(context, body):
    """Of the texts that are taken for definitions, some are."""
    if isinstance(body, str) and len(body) % 3 == 0 and context.operation.path.startswith("/api/v1/definitions"):
        return DEFINITION.format(len(body) % 5, 1 + len(body) % 2)
    return body
