"""Definitions that several of the tests deploy."""
import os

from servers import ROOT

EXAMPLE = os.path.join(ROOT, "sagas/order-fulfilment.yaml")
WAITING = """saga: waiting
version: {version}
summary: Waits for a word
participants:
  inventory: {{ commands: inventory.commands, replies: inventory.replies }}
search: {{ color: .input.color, size: .input.size }}
start: {{ topic: shop.orders, event: WaitAsked, key: .word }}
steps:
  - await: word
    topic: shop.orders
    event: WordGiven
    match: .word
    with: .input.word
    timeout: 1h
"""
STUCK = """saga: stuck
version: 1
participants:
  nobody: { commands: nobody.commands, replies: nobody.replies }
start: { topic: shop.orders, event: StuckAsked, key: .word }
steps:
  - step: dark
    pivot: true
    send: nobody/DoIt
    success: Done
    timeout: 300ms
    retry: { attempts: 1 }
"""
# Ends without anybody's help, so it does so however slow the machine is.
UNMOVED = """saga: unmoved
version: 1
participants:
  inventory: { commands: inventory.commands, replies: inventory.replies }
start: { topic: shop.orders, event: UnmovedAsked, key: .word }
steps:
  - set: { seen: .input.word }
  - wait: 100ms
"""
