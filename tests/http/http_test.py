#!/usr/bin/env python3
"""The HTTP API on a real Kafka and a real Redis: what each path does, as openapi.yaml says it. Usage: http_test.py PROGRAM"""
import http.client
import itertools
import json
import os
import socket
import sys
import threading
import time
import unittest

import besieged
import provider
import security
import what_if
from contract import Client, Contract, seg
from examples import EXAMPLE, STUCK, WAITING
from servers import ROOT, Servers, eventually, request

PROGRAM = os.path.abspath(sys.argv.pop(1))
SERVERS = Servers()
LISTENERS = 200  # coordinator/http/changes.c
security.SERVERS, security.PROGRAM = SERVERS, PROGRAM



class HttpTest(what_if.WhatIfTests, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers, cls.program = SERVERS, PROGRAM
        cls.coordinator, cls.port = SERVERS.start_coordinator(PROGRAM)
        SERVERS.start_participant()
        cls.contract = Contract()
        cls.api = Client(f"http://127.0.0.1:{cls.port}", cls.contract)
        assert eventually(lambda: cls.api.get("/readyz").status == 200), "not ready"
        # nobody may be too late where the machine is slow
        with open(EXAMPLE) as file:
            answer = cls.api.post("/api/v1/definitions", file.read().replace("timeout: 2s", "timeout: 10m"))
        assert answer.status == 201, answer
        answer = cls.api.post("/api/v1/definitions?createTopics=true", WAITING.format(version=1))
        assert answer.status == 201, answer

    def start(self, key, definition="waiting", wait=None, **input):
        body = {"definition": definition, "key": key, "input": input}
        return self.api.post("/api/v1/sagas" + (f"?wait={wait}" if wait else ""), body)

    def saga(self, key, definition="waiting", query=""):
        return self.api.get(f"/api/v1/sagas/{definition}/{seg(key)}{query}")

    def await_saga(self, key, definition="waiting"):
        self.assertTrue(eventually(lambda: self.saga(key, definition).status == 200), f"{key} never came")

    # ---- starts ----

    def test_a_start_is_acknowledged_and_once_only(self):
        for turn in range(3):
            answer = self.start("once/a b", word="once")
            self.assertEqual(answer.status, 202, answer)
            self.assertEqual(answer.json, {"saga": "waiting/once/a b", "outcome": "sent"})
            self.assertEqual(answer.headers["Location"], "/api/v1/sagas/waiting/once%2Fa%20b")
        self.await_saga("once/a b")
        self.assertTrue(eventually(lambda: self.saga("once/a b").json["sequence"] >= 3))
        runs = self.api.get("/api/v1/sagas/waiting/once%2Fa%20b/history").json["runs"]
        self.assertEqual(len(runs), 1)
        facts = [fact["fact"] for record in runs[0]["items"] for fact in record["facts"]]
        self.assertEqual(facts.count("SagaStarted"), 1, facts)
        self.assertEqual(facts.count("StartIgnored"), 2, facts)
        self.assertEqual(runs[0]["items"][0]["cause"]["who"], "anonymous")

    def test_the_first_input_of_a_key_stays(self):
        """Catches a second request that changes what the first began."""
        self.start("first", word="first", color="first")
        self.await_saga("first")
        again = self.start("first", wait="10ms", word="other", color="other")
        self.assertEqual((again.status, again.json["saga"]), (202, "waiting/first"))
        told = lambda: self.api.get("/api/v1/sagas/waiting/first/history?bodies=true").json["runs"]
        self.assertTrue(eventually(lambda: len(told()[0]["items"]) == 2), told())
        self.assertEqual(len(told()), 1)
        first, second = told()[0]["items"]
        self.assertEqual([fact["fact"] for fact in second["facts"]], ["StartIgnored"])
        # what the second said is in the journal all the same
        self.assertEqual((first["cause"]["body"]["color"], second["cause"]["body"]["color"]), ("first", "other"))
        state = self.saga("first", query="?bodies=true").json
        self.assertEqual((state["input"]["word"], state["search"]["color"]), ("first", "first"))

    def test_a_start_waits_for_the_end(self):
        answer = self.start("ends", "order-fulfilment", wait="5m", orderId="ends", total=5)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["outcome"], "completed", answer)
        self.assertEqual(answer.json["state"]["status"], "completed")

    def test_a_wait_ends_with_its_time(self):
        self.start("patient", word="patient")
        self.await_saga("patient")
        answer = self.start("patient", wait="300ms", word="patient")
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(answer.json["outcome"], "running")

    def test_the_key_is_that_of_the_input(self):
        answer = self.api.post("/api/v1/sagas", {"definition": "waiting", "input": {"word": "from-input"}})
        self.assertEqual(answer.json["saga"], "waiting/from-input", answer)
        answer = self.api.post("/api/v1/sagas", {"definition": "waiting", "input": {"nothing": 1}})
        self.assertEqual((answer.status, answer.json["type"]), (422, "urn:saga:problem:no-key"))

    def test_a_start_goes_on_in_the_requests_trace(self):
        """Catches a context that is lost on its way, or one that is none and is taken."""
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0"
        good = {"traceparent": parent + "1", "tracestate": "vendor=a, other=b"}
        for number, (headers, known) in enumerate([
                ([good], True), ([{"Traceparent": parent + "0"}], True), ([{}], False), ([{"tracestate": "vendor=a"}], False),
                ([{"traceparent": parent}], False), ([{"traceparent": "ff" + parent[2:] + "1"}], False),
                ([{"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}], False), ([good, good], False),
                ([{"traceparent": parent + "1", "tracestate": "no state"}], True)]):
            key = f"traced-{number}"
            self.start_with(key, headers)
            self.await_saga(key)
            state = self.saga(key).json
            cause = self.api.get(f"/api/v1/sagas/waiting/{key}/history").json["runs"][0]["items"][0]["cause"]
            self.assertEqual(state["trace"] == trace, known, headers)
            self.assertEqual(cause.get("traceparent"), (headers[0].get("traceparent") or headers[0].get("Traceparent"))
                             if known else None)
            self.assertEqual(cause.get("tracestate"), "vendor=a,other=b" if headers == [good] else None)

    def start_with(self, key, headers):
        """As urllib cannot: a header may come twice."""
        body = json.dumps({"definition": "waiting", "key": key, "input": {"word": key}})
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.putrequest("POST", "/api/v1/sagas")
        for some in headers:
            for name, value in some.items():
                connection.putheader(name, value)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body.encode())
        self.assertEqual(connection.getresponse().status, 202, headers)
        connection.close()

    def test_numbers_keep_their_digits(self):
        body = '{"definition":"waiting","key":"digits","input":{"word":"digits","n":123456789012345678901234567890.10}}'
        answer = self.api.post("/api/v1/sagas", body, content_type="application/json")
        self.assertEqual(answer.status, 202, answer)
        self.await_saga("digits")
        self.assertIn(b"123456789012345678901234567890.10", self.saga("digits", query="?bodies=true").body)

    def test_starts_that_cannot_be(self):
        for body, status in [({"definition": "nobody", "key": "k"}, 404), ({"key": "k"}, 400), ({}, 400),
                             ({"definition": "waiting", "key": ""}, 400), ({"definition": "waiting", "key": "k" * 513}, 400),
                             ({"definition": "waiting", "key": 5}, 400), ({"definition": "Waiting", "key": "k"}, 400),
                             ({"definition": "waiting", "key": "k", "extra": 1}, 400), ([], 400),
                             ({"definition": "waiting", "key": "k", "id": "a b"}, 400),
                             ({"definition": "waiting", "key": "k", "input": "x" * (256 * 1024)}, 413)]:
            answer = self.api.post("/api/v1/sagas", body, wrong=True)
            self.assertEqual(answer.status, status, (body if len(str(body)) < 200 else "...", answer))
        for text in ['{"definition":"waiting","definition":"waiting"}', "", "{", "[" * 100000, '{"definition":"wa\\ud800"}',
                     b"\xff\xfe", '{"definition":"waiting"} x']:
            answer = self.api.post("/api/v1/sagas", text, content_type="application/json")
            self.assertEqual(answer.status, 400, (str(text)[:50], answer))

    # ---- lists ----

    def test_pages_give_everything_once(self):
        count = 57
        for i in range(count):
            self.start(f"page-{i:02}", word=f"page-{i}", color="pages", size=str(i % 2))
        found = lambda: self.api.get("/api/v1/sagas?definition=waiting&search=color:pages&limit=1000").json["items"]
        self.assertTrue(eventually(lambda: len(found()) == count))
        whole = [row["id"] for row in found()]
        for query in ["definition=waiting&search=color:pages", "definition=waiting&status=running",
                      "definition=waiting&step=word&error=", "search=color:pages"]:
            query = query.replace("&error=", "")
            ids, cursor, pages = [], None, 0
            while True:
                page = self.api.get(f"/api/v1/sagas?{query}&limit=10" + (f"&cursor={cursor}" if cursor else "")).json
                ids += [row["id"] for row in page["items"]]
                cursor, pages = page["next"], pages + 1
                self.assertLessEqual(len(page["items"]), 10)
                if not cursor:
                    break
            self.assertEqual(len(ids), len(set(ids)), query)
            self.assertLessEqual(set(whole), set(ids), query)
            self.assertGreater(pages, 5)
        both = self.api.get("/api/v1/sagas?search=color:pages&search=size:1&limit=1000").json["items"]
        self.assertEqual(len(both), count // 2)
        counts = self.api.get("/api/v1/counts?definition=waiting&search=color:pages").json["items"]
        self.assertEqual(counts, [{"definition": "waiting", "status": "running", "count": count}])

    def test_filters(self):
        self.start("filter-1", word="filter-1", color="filters")
        self.await_saga("filter-1")
        base = "/api/v1/sagas?definition=waiting&search=color:filters"
        changed = self.api.get(base).json["items"][0]["changed"]
        for query, count in [("", 1), ("&version=1", 1), ("&version=2", 0), ("&step=word", 1), ("&step=other", 0),
                             ("&status=running", 1), ("&status=stuck", 0), ("&error=x", 0), ("&since=2020-01-01T00:00:00Z", 1),
                             ("&until=2020-01-01T00:00:00Z", 0), (f"&since={seg(changed)}", 1), (f"&until={seg(changed)}", 0)]:
            self.assertEqual(len(self.api.get(base + query).json["items"]), count, query)
        for query in ["status=no", "limit=0", "limit=1001", "limit=x", "version=0", "since=yesterday", "cursor=zz", "cursor=00",
                      "nothing=1", "search=x", "definition=A", "cursor=" + "61" * 400, "step=A_b", "step=a%2fb", "step=-a",
                      "step=" + "a" * 250, "error=", "error=%ff", "error=" + "e" * 257, "search=a%ff:b", "search=:b",
                      "cursor=" + b"s1:".hex() + "61" * 1100]:
            self.assertEqual(self.api.get("/api/v1/sagas?" + query).status, 400, query)
        for query in ["error=" + seg("\u00e4" * 256), "step=" + "a" * 249, "cursor=" + (b"s1:" + b"a" * 762).hex()]:
            self.assertEqual(self.api.get("/api/v1/sagas?" + query).json["items"], [], query)

    def all_of(self, query):
        """The ids of all pages."""
        ids, cursor = [], ""
        while cursor is not None:
            page = self.api.get("/api/v1/sagas?limit=1000&" + query + (f"&cursor={cursor}" if cursor else "")).json
            ids += [row["id"] for row in page["items"]]
            cursor = page["next"]
        self.assertEqual(len(ids), len(set(ids)), query)
        return set(ids)

    def test_filters_together(self):
        """Each combination gives what all of its filters give by themselves. Catches one that is passed over beside another."""
        text, self.probed = WAITING.replace("saga: waiting", "saga: together"), set()
        self.assertEqual(self.api.post("/api/v1/definitions", text.format(version=1)).status, 201)
        self.assertIn(self.api.post("/api/v1/definitions?createTopics=true", STUCK).status, (200, 201))

        def begin(i):  # each has a time of its own
            self.start(f"together-{i}", "together", word=f"together-{i}", color="together", size=str(i % 2))
            self.await_saga(f"together-{i}", "together")
        for i in range(4):
            begin(i)
        self.assertEqual(self.api.post("/api/v1/definitions", text.format(version=2)).status, 201)
        self.assertTrue(eventually(lambda: self.lanes_of_version(2) == {0, 1, 2, 3}))
        for i in range(4, 8):
            begin(i)
        for i in range(3):
            self.assertEqual(self.start(f"together-{i}", "stuck", wait="5m").json["outcome"], "stuck")
        between = "until=" + seg(self.saga("together-6", "together").json["changed"])
        self.api.post("/api/v1/sagas/together/together-2/cancel?wait=5m", {"reason": "to be told from the others"})
        for filters, count in [
                (["definition=together", "version=2", "status=running", "step=word", "search=color:together", "search=size:0", between,
                  "where=" + seg("key!=together-5")], 1),
                (["definition=stuck", "version=1", "status=stuck", "step=dark", "error=ANSWER", between.replace("until", "since"),
                  "where=" + seg("key~together- key!=together-1")], 2)]:
            alone = {query: self.all_of(query) for query in filters}
            self.assertEqual(len(set.intersection(*alone.values())), count, alone)
            for size in range(2, len(filters) + 1):
                for some in itertools.combinations(filters, size):
                    self.assertEqual(self.all_of("&".join(some)), set.intersection(*(alone[query] for query in some)), some)

    def lanes_of_version(self, version):
        """Those in which sagas start with it: each worker reads what is deployed by itself."""
        key = f"probe-{time.monotonic_ns()}"
        self.start(key, "together", word=key)
        self.await_saga(key, "together")
        if self.saga(key, "together").json["version"] == version:
            self.probed.add(self.api.get(f"/api/v1/sagas/together/{key}/history").json["runs"][0]["items"][0]["lane"])
        return self.probed

    def test_a_cursor_goes_on_though_things_change(self):
        """Catches a page that begins at a number of rows: who moves before it would hide another."""
        keys = [f"moving-{i:02}" for i in range(25)]
        for key in keys:
            self.start(key, word=key, color="moving")
        query = "search=color:moving&status=running&limit=10"
        self.assertTrue(eventually(lambda: len(self.all_of("search=color:moving")) == 25))
        page = self.api.get("/api/v1/sagas?" + query).json
        seen = [row["key"] for row in page["items"]]
        behind = [key for key in keys if key not in seen]
        for key in (seen[0], seen[9], behind[0], behind[5]):  # the last of the page, too, by which its cursor is made
            self.api.post(f"/api/v1/sagas/waiting/{key}/cancel?wait=5m", {"reason": "to move"})
        self.start("moving-new", word="moving-new", color="moving")
        self.await_saga("moving-new")
        while page["next"]:
            page = self.api.get(f"/api/v1/sagas?{query}&cursor={page['next']}").json
            seen += [row["key"] for row in page["items"]]
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(set(seen), set(keys) - {behind[0], behind[5]})
        other = self.api.get("/api/v1/operations?limit=1").json["next"]
        self.assertEqual(self.api.get("/api/v1/sagas?cursor=" + other).status, 400)

    def test_an_error_is_found_by_its_text(self):
        answer = self.start("dear", "order-fulfilment", wait="5m", orderId="dear", total=6000)
        self.assertEqual(answer.json["outcome"], "compensated", answer)
        rows = self.api.get("/api/v1/sagas?definition=order-fulfilment&error=DECLINED").json["items"]
        self.assertEqual([row["key"] for row in rows], ["dear"])

    # ---- one saga ----

    def test_what_there_is_not(self):
        for path in ["/api/v1/sagas/waiting/nobody", "/api/v1/sagas/waiting/nobody/history",
                     "/api/v1/sagas/waiting/nobody/graph", "/api/v1/definitions/nobody", "/api/v1/definitions/waiting/99",
                     "/api/v1/definitions/waiting/99/figures", "/api/v1/definitions/nobody/1/figures"]:
            self.assertEqual(self.api.get(path).status, 404, path)
        self.assertEqual(self.api.post("/api/v1/sagas/waiting/nobody/cancel", {"reason": "x"}).status, 404)

    def test_history_in_pages(self):
        self.start("told", "order-fulfilment", wait="5m", orderId="told", total=5)
        path = "/api/v1/sagas/order-fulfilment/told/history?bodies=true"
        whole = self.api.get(path).json
        self.assertIsNone(whole["next"])
        items = whole["runs"][0]["items"]
        self.assertIn("completed", whole["runs"][0]["end"])
        self.assertEqual(items[0]["cause"]["body"], {"orderId": "told", "total": 5})
        self.assertTrue(all(record["words"] for record in items))
        first = self.api.get(path + "&limit=3").json
        rest = self.api.get(path + f"&cursor={first['next']}").json
        self.assertEqual(first["runs"][0]["items"] + rest["runs"][0]["items"], items)

    def test_the_graph_has_marks(self):
        self.start("drawn", "order-fulfilment", wait="5m", orderId="drawn", total=5)
        graph = self.api.get("/api/v1/sagas/order-fulfilment/drawn/graph").json
        marks = {node["name"]: node["mark"] for node in graph["nodes"] if node["shape"] == "step"}
        self.assertEqual(marks["reserve-stock"], "done")
        self.assertNotIn("mark", self.api.get("/api/v1/definitions/order-fulfilment").json["graph"]["nodes"][1])

    # ---- operators ----

    def test_operators_are_answered(self):
        self.start("ordered", word="ordered")
        self.await_saga("ordered")
        path = "/api/v1/sagas/waiting/ordered/"
        verbs = {row["verb"]: row["allowed"] for row in self.saga("ordered", query="?verbs=true").json["verbs"]}
        self.assertEqual(verbs["pause"], True)
        self.assertEqual(verbs["retry"], False)
        answer = self.api.post(path + "pause?wait=5m", {"reason": "to look at it"})
        self.assertEqual((answer.status, answer.json["outcome"]), (200, "done"), answer)
        self.assertTrue(self.saga("ordered").json["paused"])
        answer = self.api.post(path + "retry?wait=5m", {"reason": "for nothing"})
        self.assertIn(answer.json.get("outcome") or answer.json["order"]["outcome"], ("refused", "nothing to do"), answer)
        self.assertEqual(self.api.post(path + "resume?wait=5m", {"reason": "go on"}).json["outcome"], "done")
        answer = self.api.post(path + "cancel?wait=5m", {"reason": "it was a test"})
        self.assertEqual(answer.json["outcome"], "done", answer)
        answer = self.api.post(path + "cancel?wait=5m", {"reason": "once more"})
        self.assertNotEqual(answer.json.get("outcome"), "done", answer)
        records = self.api.get(path + "history").json["runs"][0]["items"]
        said = [(r["cause"]["verb"], r["cause"]["who"], r["cause"]["from"]) for r in records if r["cause"]["kind"] == "operator"]
        self.assertEqual(said[0], ("pause", "anonymous", "127.0.0.1"))
        self.assertEqual([verb for verb, _, _ in said], ["pause", "retry", "resume", "cancel", "cancel"])

    def test_a_saga_that_is_stuck(self):
        self.assertIn(self.api.post("/api/v1/definitions?createTopics=true", STUCK).status, (200, 201))
        answer = self.start("stuck", "stuck", wait="5m")
        self.assertEqual((answer.status, answer.json["outcome"]), (200, "stuck"), answer)
        self.assertIn("saga resolve", answer.json["state"]["mend"])
        verbs = {row["verb"]: row for row in self.saga("stuck", "stuck", "?verbs=true").json["verbs"]}
        self.assertEqual({verb for verb in verbs if verbs[verb]["allowed"]}, {"retry", "resolve", "pause"}, verbs)
        self.assertTrue(verbs["skip"]["reason"])
        row = [row for row in self.api.get("/api/v1/sagas?status=stuck").json["items"] if row["key"] == "stuck"][0]
        self.assertEqual((row["error"]["step"], row["error"]["type"]), ("dark", "pivot"))
        self.assertIn("answer", row["error"]["message"])  # a list says why, too
        path = "/api/v1/sagas/stuck/stuck/"
        refused = self.api.post(path + "skip?wait=5m", {"reason": "it was done by hand"})
        self.assertEqual((refused.status, refused.json["order"]["outcome"]), (409, "refused"), refused)
        self.assertEqual(self.api.post(path + "retry?wait=5m", {"reason": "once more"}).json["outcome"], "done")
        self.assertTrue(eventually(lambda: self.saga("stuck", "stuck").json["status"] == "stuck"))
        answer = self.api.post(path + "resolve?wait=5m", {"reason": "nobody misses it", "as": "abandoned"})
        self.assertEqual(answer.json["outcome"], "done", answer)
        self.assertEqual([left["step"] for left in answer.json["left"]], ["dark"])
        self.assertEqual(self.saga("stuck", "stuck").json["status"], "abandoned")

    def test_operators_mistakes(self):
        self.start("mistaken", word="mistaken")
        self.await_saga("mistaken")
        path = "/api/v1/sagas/waiting/mistaken/"
        for verb, body in [("pause", {}), ("pause", {"reason": ""}), ("pause", {"reason": "x", "as": "failed"}),
                           ("resolve", {"reason": "x"}), ("resolve", {"reason": "x", "as": "nothing"}),
                           ("pause", {"reason": "x" * 1025})]:
            self.assertEqual(self.api.post(path + verb, body, wrong=True).status, 400, (verb, str(body)[:60]))
        self.assertEqual(self.api.post(path + "pause?wait=soon", {"reason": "x"}).status, 400)
        answer = self.api.post(path + "pause?wait=0s", {"reason": "x"})
        self.assertEqual((answer.status, answer.json["outcome"]), (202, "sent"))

    # ---- definitions ----

    # ---- what operators did ----

    def operations(self, query=""):
        return self.api.get("/api/v1/operations?" + query).json["items"]

    def test_operations(self):
        self.start("said", word="said")
        self.await_saga("said")
        path = "/api/v1/sagas/waiting/said/"
        for verb, reason in [("pause", "one"), ("pause", "two"), ("retry", "three"), ("resume", "four"), ("cancel", "five")]:
            self.api.post(path + verb, {"reason": reason})
        mine = eventually(lambda: [o for o in [self.operations("saga=" + seg("waiting/said"))] if len(o) == 5])[0]
        self.assertEqual([(o["verb"], o["outcome"], o["reason"]) for o in mine],
                         [("cancel", "done", "five"), ("resume", "done", "four"), ("retry", "refused", "three"),
                          ("pause", "nothing to do", "two"), ("pause", "done", "one")])
        self.assertIn("paused: resume it", mine[2]["words"])
        self.assertEqual({(o["who"], o["from"], o["on"], o["saga"], o["definition"]) for o in mine},
                         {("anonymous", "127.0.0.1", "saga", "waiting/said", "waiting")})
        self.assertEqual(self.operations("who=nobody"), [])
        self.assertEqual([o["reason"] for o in self.operations("verb=retry&definition=waiting")], ["three"])
        deploy = self.operations("verb=deploy&definition=order-fulfilment")[0]
        self.assertEqual((deploy["who"], deploy["from"], deploy["version"], deploy["on"]),
                         ("anonymous", "127.0.0.1", 1, "definition"))
        self.assertEqual([o["reason"] for o in self.operations("verb=retry&definition=waiting&version=1")], ["three"])
        self.assertEqual(self.operations("verb=retry&definition=waiting&version=99"), [])
        self.assertEqual({(o["on"], o["version"]) for o in self.operations("version=1&limit=1000")},
                         {("saga", 1), ("definition", 1)})
        # pages, one by one and of everything
        whole = self.api.get("/api/v1/operations?limit=1000").json
        self.assertTrue(whole["whole"], whole)
        self.assertNotIn("since", whole)
        until = seg(whole["items"][0]["time"])  # what other tests say meanwhile is newer
        for limit in (1, 3):
            found, query = [], f"limit={limit}&until={until}"
            page = self.api.get("/api/v1/operations?" + query).json
            found += page["items"]
            while page["next"]:
                page = self.api.get(f"/api/v1/operations?{query}&cursor={page['next']}").json
                found += page["items"]
            self.assertEqual(found, [o for o in whole["items"] if o["time"] < whole["items"][0]["time"]])
        self.assertEqual(self.operations("since=" + until + "&until=" + until), [])
        for query in ["verb=retri", "cursor=zz", "since=yesterday", "limit=0", "who=", "cursor=6f313a7878", "nothing=1",
                      "definition=a/b", "definition=waiting@1", "version=0", "who=ada&who=bob"]:
            self.assertEqual(self.api.get("/api/v1/operations?" + query).status, 400, query)
        self.assertEqual(self.api.get("/api/v1/jobs?nothing=1").json["mend"], "there are none here")
        self.assertEqual(self.api.get("/api/v1/counts?nothing=1").json["mend"], "known here: definition search")

    # ---- jobs ----

    def job(self, id):
        return self.api.get(f"/api/v1/jobs/{id}").json

    def test_jobs(self):
        keys = [f"job-{i}" for i in range(30)]
        for key in keys:
            self.start(key, word=key, color="jobs")
        order = {"verb": "pause", "where": "definition=waiting key~job- search.color=jobs"}
        found = lambda: self.api.post("/api/v1/jobs?dryRun=true", order).json
        self.assertTrue(eventually(lambda: found()["count"] == 30), found())
        self.assertEqual((len(found()["items"]), found()["more"]), (20, False))
        order.update(reason="looking into it", id="pause-them", rate=1000)
        answer = self.api.post("/api/v1/jobs", order)
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.headers["Location"], "/api/v1/jobs/pause-them")
        self.assertEqual((answer.json["expected"], answer.json["who"]), (30, "anonymous"))
        self.assertTrue(eventually(lambda: self.job("pause-them")["status"] == "done"), self.job("pause-them"))
        self.assertEqual((self.job("pause-them")["sent"], self.job("pause-them")["selected"]), (30, 30))
        for key in keys:
            self.assertTrue(eventually(lambda: self.saga(key).json["paused"]), key)
        # once more is the same; another one of that name is refused
        self.assertEqual(self.api.post("/api/v1/jobs", order).status, 200)
        self.assertEqual(self.api.post("/api/v1/jobs", {**order, "verb": "cancel"}).status, 409)
        self.assertEqual(self.api.ask("DELETE", "/api/v1/jobs/pause-them").status, 200)
        self.assertIn("pause-them", [job["id"] for job in self.api.get("/api/v1/jobs").json["items"]])

    def test_a_job_is_stopped(self):
        keys = [f"slow-{i}" for i in range(40)]
        for key in keys:
            self.start(key, word=key)
        where = "/api/v1/sagas?limit=1000&where=" + seg("definition=waiting key~slow- paused=false")
        self.assertTrue(eventually(lambda: len(self.api.get(where).json["items"]) == 40))
        order = {"verb": "pause", "where": "key~slow-", "reason": "slowly", "rate": 1}
        id = self.api.post("/api/v1/jobs", order).json["id"]
        self.assertEqual(self.api.ask("DELETE", f"/api/v1/jobs/{id}").status, 202)
        self.assertTrue(eventually(lambda: self.job(id)["status"] == "stopped"), self.job(id))
        self.assertLess(self.job(id)["sent"], 40)
        self.assertEqual(self.job(id)["stoppedBy"], "anonymous")
        said = [(o["verb"], o["outcome"], o["sent"]) for o in self.operations() if o.get("job") == id]
        self.assertEqual(said, [("stop", "done", self.job(id)["sent"]), ("pause", "stopped", self.job(id)["sent"])])
        # what it says to each saga is not told beside it
        self.assertEqual([o for o in self.operations("definition=waiting&verb=pause") if o["saga"].startswith("waiting/slow-")], [])
        # but by the job
        of_job = f"job={id}&limit=1000"
        sent = self.job(id)["sent"]
        self.assertTrue(eventually(lambda: len(self.operations(of_job)) == sent + 2), self.operations(of_job))
        acts = [(o["saga"], o["who"], o["reason"], o["outcome"]) for o in self.operations(of_job) if o["on"] == "saga"]
        self.assertEqual(sorted(acts), sorted((o["saga"], "anonymous", "slowly", "done")
                                              for o in self.operations(of_job + "&verb=pause&definition=waiting")))
        self.assertEqual(len(acts), sent)
        page = self.api.get(f"/api/v1/operations?job={id}&limit=1").json
        pages = page["items"]
        while page["next"]:
            page = self.api.get(f"/api/v1/operations?job={id}&limit=1&cursor={page['next']}").json
            pages += page["items"]
        self.assertEqual(pages, self.operations(of_job))
        self.assertEqual(self.api.get("/api/v1/operations?job=nobodys").status, 404)
        self.assertEqual(self.api.get("/api/v1/operations?job=-x").status, 400)

    def test_jobs_that_cannot_be(self):
        good = {"verb": "retry", "where": "status=stuck", "reason": "r"}
        for change, status in [({"where": "stauts=stuck"}, 400), ({"where": ""}, 400), ({"where": "key=\u0000"}, 400),
                               ({"verb": "resolve"}, 400), ({"verb": "x"}, 400), ({"reason": ""}, 400), ({"rate": 0}, 400),
                               ({"rate": 5001}, 400), ({"rate": "9"}, 400), ({"id": "../x"}, 400), ({"id": "-a"}, 400),
                               ({"more": 1}, 400), ({"where": "key=" + "x" * 4096}, 400)]:
            answer = self.api.post("/api/v1/jobs", {**good, **change}, wrong=True)
            self.assertEqual(answer.status, status, (change, answer))
        answer = self.api.post("/api/v1/jobs", {**good, "where": "status=stuck stauts=x"})
        self.assertEqual((answer.json["column"], answer.json["width"]), (14, 6))
        self.assertEqual(answer.json["type"], "urn:saga:problem:bad-filter")
        self.assertEqual(answer.json["mend"], 'did you mean "status"?')
        self.assertEqual(self.api.get("/api/v1/sagas?where=" + seg("status=stuk")).status, 400)
        for method in ("GET", "DELETE"):
            self.assertEqual(self.api.ask(method, "/api/v1/jobs/nobody").status, 404)
        self.assertEqual(request(self.api.base + "/api/v1/jobs/nobody", "PUT").headers["Allow"], "GET, HEAD, DELETE")

    def test_definitions(self):
        one = self.api.get("/api/v1/definitions/waiting").json
        self.assertEqual(one, self.api.get("/api/v1/definitions/waiting/1").json)
        self.assertEqual(one["source"], WAITING.format(version=one["version"]))
        self.assertEqual(one["search"], ["color", "size"])
        first = self.api.get("/api/v1/definitions?limit=1").json
        rest = self.api.get(f"/api/v1/definitions?cursor={first['next']}").json
        names = [row["name"] for row in first["items"] + rest["items"]]
        self.assertEqual(names, sorted(names))
        self.assertLess({"order-fulfilment"}, set(names))

    def test_figures(self):
        with open(EXAMPLE) as file:
            text = file.read().replace("saga: order-fulfilment", "saga: counted", 1)
        self.assertEqual(self.api.post("/api/v1/definitions?createTopics=true", text).status, 201)
        self.assertEqual(self.api.get("/api/v1/definitions/counted/1/figures").json,
                         {"counts": {}, "steps": [], "durations": []})
        answer = self.start("counted", "counted", wait="5m", orderId="counted", total=5)
        self.assertEqual(answer.json["outcome"], "completed", answer)
        for step in answer.json["state"]["steps"]:
            self.assertLessEqual(step["sent"], step["answered"], step)
        figures = self.api.get("/api/v1/definitions/counted/1/figures").json
        self.assertEqual((figures["counts"], figures["steps"]), ({"completed": 1}, []))
        took = {(d["step"], d["outcome"]): d for d in figures["durations"]}
        self.assertEqual({outcome for step, outcome in took if step}, {"succeeded"})
        self.assertEqual({step for step, outcome in took if step},
                         {step["path"] for step in answer.json["state"]["steps"]})
        whole = took[None, "completed"]
        self.assertEqual((whole["count"], sum(b["count"] for b in whole["buckets"])), (1, 1))
        self.assertEqual(whole["p99Ms"], whole["buckets"][0]["toMs"])

    def test_figures_of_a_step(self):
        text = WAITING.format(version=1).replace("saga: waiting", "saga: held", 1)
        self.assertEqual(self.api.post("/api/v1/definitions?createTopics=true", text).status, 201)
        for key in ["held-1", "held-2"]:
            self.start(key, "held", word=key)
            self.await_saga(key, "held")
        figures = lambda: self.api.get("/api/v1/definitions/held/1/figures").json
        self.assertTrue(eventually(lambda: figures()["counts"] == {"running": 2}))
        self.assertEqual(figures()["steps"], [{"step": "word", "status": "running", "count": 2}])

    def test_checking(self):
        good = self.api.post("/api/v1/definitions/check", WAITING.format(version=7)).json
        self.assertEqual((good["name"], good["version"]), ("waiting", 7))
        self.assertTrue(good["graph"]["nodes"])
        bad = self.api.post("/api/v1/definitions/check", "saga: x\nversion: 1\nsteps: 5\n").json
        self.assertTrue([f for f in bad["findings"] if f["severity"] == "error" and f["line"] == 3], bad)
        for text in ["", "\x00", "a: &a [*a, *a]", "[" * 5000, "saga: !!python/object:os.system x"]:
            self.assertEqual(self.api.post("/api/v1/definitions/check", text).status, 200, text[:30])

    def test_deploying(self):
        text = WAITING.replace("waiting", "deployed")
        lacking = text.format(version=1).replace("shop.orders", "shop.lacking")
        self.assertEqual(self.api.post("/api/v1/definitions", lacking).status, 409)
        self.assertEqual(self.api.post("/api/v1/definitions?allowMissingTopics=true", lacking).status, 201)
        self.assertEqual(self.api.post("/api/v1/definitions", text.format(version=2)).json["outcome"], "deployed")
        self.assertEqual(self.api.get("/api/v1/definitions/deployed").json["versions"], [1, 2])
        again = self.api.post("/api/v1/definitions", text.format(version=2))
        self.assertEqual((again.status, again.json["outcome"]), (200, "unchanged"))
        other = self.api.post("/api/v1/definitions", text.format(version=2) + "# another\n")
        self.assertEqual((other.status, other.json["type"]), (409, "urn:saga:problem:not-deployed"))
        wrong = self.api.post("/api/v1/definitions", "saga: x\n")
        self.assertEqual(wrong.status, 422)
        self.assertTrue(wrong.json["findings"])
        changes = self.api.get("/api/v1/definitions/deployed/2/changes?from=1").json
        self.assertTrue([c for c in changes["items"] if "shop.lacking" in c["before"]], changes)
        self.assertEqual(self.api.get("/api/v1/definitions/deployed/2/changes").status, 400)

    # ---- dead letters ----

    def letters(self, query=""):
        return self.api.get("/api/v1/dead-letters" + query).json["items"]

    def test_dead_letters(self):
        sent = json.loads(self.servers.saga(PROGRAM, "send", "inventory.replies", "Nonsense", "--key", "lost", "--id", "lost-1",
                                            "-o", "json").stdout)
        mine = lambda: [l for l in self.letters() if l["sourceTopic"] == "inventory.replies" and
                        l["sourceOffset"] == str(sent["offset"]) and l["sourcePartition"] == str(sent["partition"])]
        letter = eventually(mine)[0]
        path = f"/api/v1/dead-letters/{letter['partition']}/{letter['offset']}"
        whole = self.api.get(path).json
        # what was read is kept, and what is done from now on is told at once all the same
        self.assertEqual(self.operations("verb=drop"), self.operations("verb=drop"))
        self.assertIn({"name": "ce_type", "value": "Nonsense"}, whole["headers"])
        note = self.api.post(path + "/resend", {"reason": "once more"}).json
        self.assertEqual((note["how"], note["who"], note["reason"]), ("resent", "anonymous", "once more"))
        self.assertEqual(mine()[0]["handled"]["how"], "resent")
        # it is put aside again: as it was, with no more headers than before
        again = eventually(lambda: [l for l in self.letters("?handled=false") if l["saga"] == letter["saga"] and
                                    l["sourceTopic"] == "inventory.replies"])
        self.assertTrue(again)
        second = f"/api/v1/dead-letters/{again[0]['partition']}/{again[0]['offset']}"
        self.assertEqual(len(self.api.get(second).json["headers"]), len(whole["headers"]))
        self.assertEqual(self.api.post(second + "/drop", {"reason": "nobody's"}).json["how"], "dropped")
        for verb, reason, of in [("resend", "once more", letter), ("drop", "nobody's", again[0])]:
            noted = [o for o in self.operations("verb=" + verb) if o["reason"] == reason]
            self.assertEqual([(o["on"], o["who"], o["from"], o["partition"], o["offset"]) for o in noted],
                             [("dead letter", "anonymous", "127.0.0.1", of["partition"], of["offset"])])
        self.assertEqual(self.api.get(second).json["handled"]["how"], "dropped")
        self.assertNotIn(again[0]["offset"], [l["offset"] for l in self.letters("?handled=false")
                                              if l["partition"] == again[0]["partition"]])
        first = self.api.get("/api/v1/dead-letters?limit=1").json
        self.assertEqual(len(first["items"]), 1)
        if first["next"]:
            rest = self.api.get(f"/api/v1/dead-letters?cursor={first['next']}").json["items"]
            self.assertEqual(first["items"] + rest, self.letters())
        reasons = self.contract.document["components"]["schemas"]["LetterReason"]["enum"]
        for reason in reasons:
            self.assertEqual(self.api.get("/api/v1/dead-letters?reason=" + reason).status, 200, reason)
        help = self.servers.saga(PROGRAM, "dead-letters", "list", "--help").stdout
        self.assertEqual([reason for reason in reasons if reason not in help], [])
        for path, status in [("/api/v1/dead-letters/0/999999", 404), ("/api/v1/dead-letters/x/1", 400),
                             ("/api/v1/dead-letters/99/0", 404), ("/api/v1/dead-letters?reason=nothing", 400)]:
            self.assertEqual(self.api.get(path).status, status, path)

    # ---- the service ----

    def test_topology_and_me(self):
        lanes = lambda: self.api.get("/api/v1/topology").json["lanes"]
        self.assertEqual([lane["lane"] for lane in lanes()], [0, 1, 2, 3])
        # of a broker that is late less is told, and of a lane that moves
        told = {"lane", "standing", "owner", "heartbeat", "journal", "applied", "journalEnd", "behind", "inboxLag"}
        self.assertTrue(eventually(lambda: all(set(lane) == told and lane["owner"].split("/")[0] == "c0" for lane in lanes())), lanes())
        me = self.api.get("/api/v1/me").json
        self.assertEqual((me["subject"], me["roles"]), ("anonymous", ["viewer", "operator", "deployer"]))
        self.assertEqual(self.api.get("/livez").body, b"ok\n")
        with open(os.path.join(ROOT, "coordinator/http/openapi.yaml"), "rb") as file:
            self.assertEqual(self.api.get("/openapi.yaml").body, file.read())

    def test_methods_are_those_of_the_contract(self):
        """Catches a path or a method that the contract does not have, and the other way round."""
        for path, item in self.contract.document["paths"].items():
            methods = {method.upper() for method in item if method in ("get", "post", "delete")}
            methods |= {"HEAD"} if "GET" in methods else set()
            filled = path.replace("{definition}", "waiting").replace("{name}", "waiting")
            filled = filled.replace("{version}", "1").replace("{partition}", "0").replace("{offset}", "0")
            answer = request(self.api.base + filled.replace("{key}", "k").replace("{job}", "j"), "PATCH")
            self.assertEqual(answer.status, 405, path)
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
            allowed = set(answer.headers["Allow"].split(", "))
            # GET there is the definition of that name
            extra = {"GET", "HEAD"} if path in ("/api/v1/definitions/check", "/api/v1/definitions/what-if") else set()
            self.assertEqual(allowed, methods | extra, path)

    def test_metrics(self):
        answer = self.api.get("/metrics")
        self.assertIn(b"\nsaga_ready 1\n", answer.body)

    def test_the_browser_view_is_served(self):
        page = request(self.api.base + "/")
        self.assertEqual(page.status, 200)
        self.assertIn("script-src 'self'", page.headers["Content-Security-Policy"])
        self.assertEqual(request(self.api.base + "/", headers={"If-None-Match": page.headers["ETag"]}).status, 304)
        packed = request(self.api.base + "/", headers={"Accept-Encoding": "gzip"})
        self.assertIn(packed.headers.get("Content-Encoding"), ("gzip", None))
        for path in ["/../etc/passwd", "/%2e%2e/etc/passwd", "//etc/passwd", "/assets/../index.html", "/nothing", "/index.html%00"]:
            self.assertIn(request(self.api.base + path).status, (400, 404), path)

    def test_changes_are_told(self):
        stream = Stream(self.port, "/api/v1/events?definition=waiting")
        self.start("heard", word="heard")
        self.assertTrue(eventually(lambda: [e for e in stream.events("saga") if e["saga"] == "waiting/heard"]))
        one = Stream(self.port, "/api/v1/events?saga=waiting/heard")
        self.assertTrue(eventually(lambda: one.events("saga")))
        self.api.post("/api/v1/sagas/waiting/heard/pause?wait=5m", {"reason": "to be heard"})
        self.assertTrue(eventually(lambda: len(one.events("saga")) >= 2))
        self.assertGreater(one.events("saga")[-1]["sequence"], one.events("saga")[0]["sequence"])
        self.assertTrue(eventually(lambda: stream.events("lanes")))
        for event in stream.events("saga") + one.events("saga"):
            self.contract.validate(event, {"$ref": "#/components/schemas/SagaEvent"})
        for event in stream.events("lanes"):
            self.contract.validate(event, {"$ref": "#/components/schemas/LanesEvent"})
        stream.close()
        one.close()
        self.assertEqual(self.api.get("/api/v1/events?saga=nonsense").status, 400)

    def test_many_listeners(self):
        """All of 200 are told; one more is told to come back; who goes makes room."""
        path = "/api/v1/events?definition=waiting"
        streams = [eventually(lambda: self.listener(path)) for _ in range(LISTENERS)]
        try:
            self.start("loud", word="loud")
            heard = lambda s: [e for e in s.events("saga") if e["saga"] == "waiting/loud"]
            self.assertTrue(eventually(lambda: all(heard(s) for s in streams)))
            head = self.head_of(path)
            self.assertTrue(head.startswith(b"HTTP/1.1 503 "), head)
            self.assertIn(b"\r\nRetry-After: 5\r\n", head)
        finally:
            for s in streams:
                s.close()
        self.assertTrue(eventually(lambda: self.head_of(path).startswith(b"HTTP/1.1 200 ")))

    def listener(self, path):
        """One of before may be counted until the server has seen that it went, which two comments to it tell."""
        stream = Stream(self.port, path)
        if not stream.refused:
            return stream
        stream.close()
        time.sleep(1)
        return None

    def head_of(self, path):
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return s.recv(65536)

    def test_what_could_not_be_looked_at_is_told_later(self):
        stream = Stream(self.port, "/api/v1/events?definition=waiting")
        told = lambda key: [e for e in stream.events("saga") if e["saga"] == "waiting/" + key]
        self.start("in-time", word="in-time")
        self.assertTrue(eventually(lambda: told("in-time")))
        SERVERS.tell_redis("ACL SETUSER default -zrevrangebyscore")  # pages of lists are read by it, and nothing else
        try:
            self.start("later", word="later")
            self.await_saga("later")
            time.sleep(1)
            self.assertFalse(told("later"))
        finally:
            SERVERS.tell_redis("ACL SETUSER default +zrevrangebyscore")
        self.assertTrue(eventually(lambda: told("later")))
        self.assertEqual(len(told("in-time")), 1)
        stream.close()

    def test_zz_it_stops_with_listeners_and_who_waits(self):
        stream = Stream(self.port, "/api/v1/events")
        endless = self.endless()
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(self.start("waits", wait="10m", word="waits")))
        waiter.start()
        self.await_saga("waits")
        self.coordinator.terminate()
        self.assertEqual(self.coordinator.wait(300), 0)
        waiter.join(300)
        self.assertEqual(answers[0].status, 202)
        self.assertTrue(eventually(lambda: stream.ended))
        endless.close()

    def test_zzz_all_of_the_contract_was_asked(self):
        asked = {(method, path) for method, path, status in self.contract.seen if status < 300}
        whole = {(method.upper(), path) for path, item in self.contract.document["paths"].items()
                 for method in item if method in ("get", "post")}
        # a skip is refused in these tests, and events are read as a stream
        self.assertLessEqual(whole - asked, {("POST", "/api/v1/sagas/{definition}/{key}/skip"), ("GET", "/api/v1/events")})


class Stream:
    """Server-Sent Events, read as they come."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        self.text, self.ended = "", False
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        assert eventually(lambda: "what changes" in self.text or "HTTP/1.1 503 " in self.text), self.text
        self.refused = "what changes" not in self.text

    def read(self):
        try:
            while data := self.socket.recv(65536):
                self.text += data.decode()
        except OSError:
            pass
        self.ended = True

    def events(self, name):
        found, lines = [], self.text.replace("\r\n", "\n").split("\n")
        for before, line in zip(lines, lines[1:]):
            if before == f"event: {name}" and line.startswith("data: "):
                found.append(json.loads(line[6:]))
        return found

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)  # which ends the reading, too
        except OSError:
            pass
        self.thread.join(10)
        self.socket.close()


def load_tests(loader, tests, pattern):
    return unittest.TestSuite([loader.loadTestsFromModule(security), loader.loadTestsFromTestCase(provider.KeysByUrlTest),
                               loader.loadTestsFromTestCase(besieged.BesiegedTest), loader.loadTestsFromTestCase(HttpTest)])


def begin():
    SERVERS.start_kafka()
    SERVERS.start_redis()
    SERVERS.saga(PROGRAM, "topics", "create", EXAMPLE)


if __name__ == "__main__":
    begin()
    unittest.main(verbosity=2)
