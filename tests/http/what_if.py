"""What-ifs over the API: exact numbers of sagas that are known, bounds, who may ask, and definitions that never end."""
import glob
import http.client
import json
import os
import tempfile

from examples import EXAMPLE
from servers import eventually

with open(EXAMPLE) as file:
    ORDER = file.read().replace("timeout: 2s", "timeout: 10m")
# a definition of its own, whose sagas are all known; and one that differs where a total is large
TRIED = ORDER.replace("saga: order-fulfilment", "saga: tried").replace("event: OrderPlaced", "event: TriedPlaced")
CHARGE = "'{orderId: .input.orderId, amount: .input.total}'"
LARGE = "'{orderId: .input.orderId, amount: .input.total} + (if .input.total > 1000 then {currency: \"EUR\"} else {} end)'"
ENDLESS = "'last(range(1e12))'"
OTHER = TRIED.replace("version: 1", "version: 2").replace(CHARGE, LARGE)
SLOW = TRIED.replace(CHARGE, ENDLESS)
# each of them ends soon, but all of one record do not
LONG = TRIED.replace("steps:\n", "steps:\n  - set: {" + ", ".join(f"x{i}: 'last(range(1e6))'" for i in range(60)) + "}\n")


def helpers_of(parent):
    """The nice values of the processes that evaluate expressions for it."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat) as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        if int(fields[1]) == parent:
            found.append(int(fields[16]))
    return found


class Asking:
    """A what-if, read line by line as it comes."""

    def __init__(self, port, text, query=""):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.connection.request("POST", "/api/v1/definitions/what-if" + query, text.encode(),
                                {"Content-Type": "application/yaml"})
        self.answer = self.connection.getresponse()

    def line(self):
        return json.loads(self.answer.readline())

    def close(self):
        self.answer.close()
        self.connection.close()


class WhatIfTests:
    """Of HttpTest, whose coordinator they ask."""

    def what_if(self, text, query="", status=200):
        # one that was given up may still be at its end
        answer = eventually(lambda: [a for a in [self.api.post("/api/v1/definitions/what-if" + query, text)] if a.status != 429])[0]
        self.assertEqual(answer.status, status, answer)
        if status != 200:
            return answer.json
        lines = [json.loads(line) for line in answer.body.splitlines()]
        for line in lines[:-1]:
            self.assertEqual(list(line), ["progress"], line)
        self.assertEqual(list(lines[-1]), ["result"], lines[-1])
        return lines[-1]["result"]

    def tried(self):
        """Three orders that are paid, and one that is too dear."""
        if self.api.get("/api/v1/definitions/tried").status == 200:
            return
        self.assertEqual(self.api.post("/api/v1/definitions", TRIED).status, 201)
        for key, total, outcome in [("t1", 5, "completed"), ("t2", 5, "completed"), ("t3", 5, "completed"),
                                    ("t4", 6000, "compensated")]:
            answer = self.start(key, "tried", wait="5m", orderId=key, total=total)
            self.assertEqual(answer.json["outcome"], outcome, answer)

    def test_what_if_counts_exactly_those_that_part(self):
        self.tried()
        same = self.what_if(TRIED)
        self.assertEqual((same["passed"], same["sagas"], same["byClass"]["same"], same["eventsUnknown"], same["parted"]),
                         (True, 4, 4, 0, []))
        self.assertEqual((same["version"], same["truncated"], same["stillOpen"]), (1, None, 0))
        result = self.what_if(OTHER)
        self.assertEqual({name: n for name, n in result["byClass"].items() if n}, {"same": 3, "other-commands": 1})
        self.assertEqual((result["passed"], result["sagas"], result["events"]), (False, 4, same["events"]))
        # behind its ChargeCard t4 was declined, and took back its stock
        self.assertEqual(result["eventsUnknown"], 2)
        [group] = result["parted"]
        self.assertEqual((group["class"], group["step"], group["what"], group["sagas"]),
                         ("other-commands", "charge-card", "sends another body of ChargeCard", 1))
        [example] = group["examples"]
        self.assertEqual(example["saga"], "tried/t4")
        self.assertEqual(example["recorded"]["body"], {"orderId": "t4", "amount": 6000})
        self.assertEqual(example["instead"]["body"], {"orderId": "t4", "amount": 6000, "currency": "EUR"})
        self.assertTrue(self.what_if(OTHER, "?accept=other-commands")["passed"])

    def test_what_if_says_what_the_command_says(self):
        self.tried()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "definition.yaml")
            with open(path, "w") as file:
                file.write(OTHER)
            said = json.loads(self.servers.saga(self.program, "replay", "--with", path, "-o", "json", check=False).stdout)
        result = self.what_if(OTHER)
        self.assertEqual(set(said), set(result))
        for name in said:  # other tests' sagas go on meanwhile
            if name not in ("file", "records", "seconds", "processorSeconds", "recordsPerProcessorSecond"):
                self.assertEqual(said[name], result[name], name)

    def test_what_if_of_another_name_and_since(self):
        self.tried()
        renamed = self.what_if(TRIED.replace("saga: tried", "saga: renamed"), "?saga=tried")
        self.assertEqual((renamed["saga"], renamed["byClass"]["same"]), ("tried", 4))
        self.assertEqual(self.what_if(TRIED, "?since=1h")["sagas"], 4)
        # of nothing it is not proved that it goes the same way
        future = self.what_if(TRIED, "?since=2100-01-01T00:00:00Z")
        self.assertEqual((future["sagas"], future["passed"]), (0, False))
        nothing = self.what_if(TRIED.replace("saga: tried", "saga: nobody"))
        self.assertEqual((nothing["sagas"], nothing["passed"], nothing["truncated"]), (0, False, None))

    def test_what_if_keeps_to_its_bounds(self):
        self.tried()
        whole = self.what_if(TRIED)
        part = self.what_if(TRIED, "?limit=8")
        self.assertLessEqual(part["records"], 8)
        lanes = part["truncated"]["lanes"]
        self.assertEqual({lane["by"] for lane in lanes}, {"records"})
        for lane in lanes:
            self.assertTrue(lane["from"] <= lane["to"] < lane["end"], lane)
        self.assertLess(part["sagas"], whole["sagas"] + 1)
        self.assertEqual(part["passed"], part["sagas"] > 0)
        none = self.what_if(TRIED, "?within=1ms")
        self.assertEqual(none["passed"], none["sagas"] > 0)
        self.assertIsNone(self.what_if(TRIED, "?within=1h")["truncated"])

    def test_what_if_that_cannot_be_asked(self):
        for query in ["since=yesterday", "since=3/4", "accept=nothing", "limit=0", "limit=10000001", "limit=x", "saga=A",
                      "within=soon", "name=tried"]:
            self.what_if(TRIED, "?" + query, status=400)
        self.assertEqual(self.what_if("saga: x", status=422)["type"], "urn:saga:problem:findings")
        self.what_if("", status=422)
        answer = self.api.post("/api/v1/definitions/what-if", "{}", content_type="application/json")
        self.assertEqual(answer.status, 415)

    def test_what_if_of_expressions_that_never_end(self):
        self.tried()
        # each takes a second of a process of its own, and is stopped; a slow machine comes to some of them only
        result = self.what_if(SLOW, "?within=5m")
        stopped = result["byClass"]["other-commands"]
        self.assertTrue(stopped == 4 or result["truncated"] and stopped > 0, result)
        self.assertEqual([(group["what"], group["sagas"]) for group in result["parted"]],
                         [("sends ReleaseStock instead of ChargeCard", stopped)])
        # that process's time counts too
        self.assertGreater(result["processorSeconds"], self.what_if(TRIED)["processorSeconds"])
        cut = self.what_if(SLOW, "?within=100ms")
        self.assertTrue(cut["truncated"]["lanes"])
        self.assertEqual({lane["by"] for lane in cut["truncated"]["lanes"]}, {"time"})
        # none is waited for, nor taken for one that failed
        self.assertEqual((cut["byClass"]["same"], cut["eventsUnknown"], cut["parted"]), (cut["sagas"], 0, []))

    def test_what_if_looks_around_while_a_record_takes_long(self):
        self.tried()
        # where the broker is slow, too, progress may be none although it is at no record
        self.assertTrue(any(self.leaves_at_the_record() for _ in range(20)))

    def leaves_at_the_record(self):
        """Was a what-if given up at the record at which its client was told of no progress and went?"""
        given_up = lambda: [json.loads(line)["records"] for line in self.servers.log_of("c0").splitlines()
                            if '"outcome":"given-up"' in line]
        asking, before = self.asking(LONG), len(given_up())
        seen = [-1, -2, -3]
        while len(set(seen[-3:])) > 1:  # progress is told, and is none
            line = asking.line()
            self.assertIn("progress", line, seen)
            seen.append(line["progress"]["records"])
        asking.close()
        self.assertTrue(eventually(lambda: len(given_up()) > before), seen)
        return given_up()[-1] == seen[-1]

    def asking(self, text):
        """As soon as nobody else does."""
        def begun():
            asking = Asking(self.port, text)
            if asking.answer.status != 429:
                return asking
            asking.close()
            return None
        asking = eventually(begun)
        self.assertEqual(asking.answer.status, 200)
        return asking

    def endless(self):
        """One that takes as many seconds as there are sagas."""
        self.tried()
        asking = self.asking(SLOW)
        self.assertIn("progress", asking.line())
        return asking

    def test_what_if_stands_back_as_those_who_ask_do(self):
        own = os.getpriority(os.PRIO_PROCESS, self.coordinator.pid)
        asking = self.endless()
        # what evaluates for its thread has that one's priority
        found = lambda: helpers_of(self.coordinator.pid)
        self.assertTrue(eventually(lambda: min(19, own + 15) in found()), found())
        self.assertNotIn(own + 10, found())
        asking.close()
        self.assertTrue(eventually(lambda: self.api.post("/api/v1/definitions/what-if", TRIED).status == 200))

    def test_what_if_one_at_a_time_until_its_client_goes(self):
        asking = self.endless()
        refused = self.api.post("/api/v1/definitions/what-if", TRIED)
        self.assertEqual((refused.status, refused.json["type"]), (429, "urn:saga:problem:one-at-a-time"))
        self.assertEqual(refused.headers["Retry-After"], "5")
        asking.close()
        self.assertTrue(eventually(lambda: '"outcome":"given-up"' in self.servers.log_of("c0")), self.servers.log_of("c0")[-2000:])
        self.assertTrue(eventually(lambda: self.api.post("/api/v1/definitions/what-if", TRIED).status == 200))
