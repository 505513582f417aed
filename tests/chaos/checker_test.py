#!/usr/bin/env python3
"""The checker must be able to fail: sound books, and every way to spoil them. Needs no server."""
import unittest

from checker import Account, Books, Command, Effect, judge

A = {"transferId": "t-1", "from": "a", "to": "b", "amount": 5}
B = {"transferId": "t-2", "from": "a", "to": "nowhere", "amount": 3}


def command(transfer, step, type_, attempt=1, kind="command"):
    key = f"bank-transfer/{transfer}/r/{step}"
    return Command(f"{key}/{attempt}", key, kind, type_, transfer, "accounts.commands")


def effect(transfer, step, type_, account, amount, attempt=1):
    key = f"bank-transfer/{transfer}/r/{step}"
    return Effect(key, f"{key}/{attempt}", transfer, type_, account, amount)


def sound():
    return Books(
        asked={"t-1": A, "t-2": B}, sagas=[("t-1", "completed"), ("t-2", "compensated")],
        commands=[command("t-1", "debit", "Debit"), command("t-1", "debit", "Debit", 2),
                  command("t-1", "credit", "Credit"), command("t-1", "notify", "Notify"),
                  command("t-2", "debit", "Debit"), command("t-2", "credit", "Credit"),
                  command("t-2", "debit/compensate", "UndoDebit")],
        effects=[effect("t-1", "debit", "Debit", "a", -5), effect("t-1", "credit", "Credit", "b", 5),
                 effect("t-1", "notify", "Notify", None, None), effect("t-2", "debit", "Debit", "a", -3),
                 effect("t-2", "debit/compensate", "UndoDebit", "a", 3)],
        accounts=[Account("a", 10, 5), Account("b", 10, 15)], dead_letters=0, replay=(0, "verified"))


class Checker(unittest.TestCase):
    def expect(self, books, words):
        found = judge(books)
        self.assertTrue(any(words in violation for violation in found), (words, found))

    def test_sound_books(self):
        self.assertEqual(judge(sound()), [])

    def test_a_transfer_without_a_saga(self):
        self.expect(sound()._replace(sagas=[("t-1", "completed")]), "there is no saga of it")

    def test_a_saga_that_has_not_ended(self):
        self.expect(sound()._replace(sagas=[("t-1", "running"), ("t-2", "compensated")]), "has not ended")

    def test_a_saga_twice(self):
        self.expect(sound()._replace(sagas=sound().sagas + [("t-1", "completed")]), "is listed 2 times")

    def test_a_saga_nobody_asked_for(self):
        self.expect(sound()._replace(sagas=sound().sagas + [("t-3", "compensated")]), "nobody asked")

    def test_a_command_twice(self):
        self.expect(sound()._replace(commands=sound().commands + sound().commands[:1]), "was sent 2 times")

    def test_an_effect_twice(self):
        books = sound()
        books = books._replace(effects=books.effects + [effect("t-1", "debit", "Debit", "a", -5, attempt=2)])
        self.expect(books, "had 2 effects")
        self.expect(books, "completed, and done was")
        self.expect(books, "its effects lead to")

    def test_money_that_vanished(self):
        self.expect(sound()._replace(accounts=[Account("a", 10, 4), Account("b", 10, 15)]), "not conserved")

    def test_an_effect_without_a_command(self):
        self.expect(sound()._replace(commands=sound().commands[2:]), "no such command was committed")

    def test_an_effect_of_something_else(self):
        spoiled = sound().effects
        spoiled[0] = effect("t-1", "debit", "Debit", "a", -6)
        self.expect(sound()._replace(effects=spoiled), "asked for was")

    def test_completed_without_its_credit(self):
        spoiled = [e for e in sound().effects if e.kind != "Credit"]
        self.expect(sound()._replace(effects=spoiled), "completed, and done was")

    def test_compensated_without_its_undoing(self):
        self.expect(sound()._replace(effects=sound().effects[:-1]), "compensated, and done was")

    def test_a_dead_letter(self):
        self.expect(sound()._replace(dead_letters=1), "dead letters")

    def test_a_replay_that_differs(self):
        self.expect(sound()._replace(replay=(1, "NOT verified: 1 differences")), "NOT verified")


if __name__ == "__main__":
    unittest.main()
