"""A provider of OpenID Connect whose keys are asked for by https: they change, it is away, it answers anything."""
import collections
import http.server
import json
import os
import ssl
import threading
import time
import unittest

import security
from contract import Client, Contract
from security import Provider, TokensTest
from servers import eventually, free_port

AGAIN_S = 10  # coordinator/http/oidc.c: between two questions to the provider


class KeyServer:
    """Answers /jwks with `answer`: status, headers, body. `certificate` names the files that it shows."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.answer, self.elsewhere = (200, {}, b"{}"), b"{}"
        self.asked = collections.Counter()
        self.looks = lambda: 0  # how many have ended, whether they brought keys or not
        self.ended_before = 0   # of them, when /jwks was last asked for
        self.server = None

    def start(self, certificate="server"):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                status, headers, body = outer.answer if self.path == "/jwks" else (200, {}, outer.elsewhere)
                if self.path == "/jwks":
                    outer.ended_before = outer.looks()
                outer.asked[self.path] += 1
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                try:
                    super().handle()
                except OSError:  # who asked has gone
                    pass

        class Server(http.server.ThreadingHTTPServer):
            allow_reuse_address = daemon_threads = True

            def handle_error(self, *_):  # a handshake that the other side ended
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{self.folder}/{certificate}.pem", f"{self.folder}/{certificate}.key")
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class KeysByUrlTest(unittest.TestCase):
    """In the order of their names: each begins where the one before it ended, with the keys r and e in force."""

    @classmethod
    def setUpClass(cls):
        folder = os.path.join(security.SERVERS.folder, "provider")
        os.mkdir(folder)
        cls.folder = folder
        TokensTest.certificates(folder)
        cls.provider, cls.stranger = Provider(os.path.join(folder, "p")), Provider(os.path.join(folder, "s"))
        cls.server = KeyServer(folder)
        cls.server.looks = lambda: security.SERVERS.log_of("keyed").count("http: the provider's keys ")
        cls.give(cls.provider.keys)
        cls.server.start()
        cls.child, cls.port = security.SERVERS.start_coordinator(
            security.PROGRAM, "--http-oidc-issuer", "https://id.example", "--http-oidc-audience", "saga", "--http-oidc-jwks",
            f"https://localhost:{cls.server.port}/jwks", "--http-oidc-ca-file", f"{folder}/ca.pem", "--http-oidc-roles",
            "realm_access.roles", name="keyed")
        cls.contract = Contract()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.child.terminate()
        assert cls.child.wait(300) == 0

    @classmethod
    def give(cls, keys):
        cls.server.answer = (200, {}, json.dumps({"keys": keys}).encode())

    def is_known(self, token):
        answer = Client(f"http://127.0.0.1:{self.port}", self.contract, token).get("/api/v1/me")
        self.assertIn(answer.status, (200, 401, 429), answer)
        return answer.status == 200

    def old_keys_hold(self):
        self.assertTrue(self.is_known(self.provider.token()))
        self.assertTrue(self.is_known(self.provider.token("ES256", "e")))

    def asked_again(self):
        """A token with a key that is not known has the provider asked once more; what it answered has been read by then."""
        before = self.server.asked["/jwks"]

        def look():
            self.is_known(self.stranger.token(kid="unheard-of"))
            return self.server.asked["/jwks"] > before
        self.assertTrue(eventually(look))
        self.assertTrue(eventually(lambda: self.server.looks() > self.server.ended_before))

    def test_1_keys_are_found_by_both_ways_of_signing(self):
        self.assertTrue(eventually(lambda: self.is_known(self.provider.token())))
        self.old_keys_hold()
        self.assertFalse(self.is_known(self.stranger.token()))
        self.assertFalse(self.is_known(self.stranger.token("ES256", "e")))

    def test_2_keys_that_are_exchanged(self):
        """A new key counts without a restart, and one that was taken back no longer does."""
        new = Provider(os.path.join(self.folder, "new"), kids=("r2", "e2"))
        self.assertFalse(self.is_known(new.token(kid="r2")))
        self.give(new.keys)
        self.assertTrue(eventually(lambda: self.is_known(new.token(kid="r2"))))
        self.assertTrue(self.is_known(new.token("ES256", "e2")))
        self.assertFalse(self.is_known(self.provider.token()))
        self.give(self.provider.keys)
        self.assertTrue(eventually(lambda: self.is_known(self.provider.token())))

    def test_3_made_up_keys_do_not_have_the_provider_asked_each_time(self):
        asked, since = self.server.asked["/jwks"], time.monotonic()
        count = 0
        while time.monotonic() - since < AGAIN_S + 2:
            self.is_known(self.stranger.token(kid=f"made-up-{count}"))
            count += 1
        often = 2 + (time.monotonic() - since) / AGAIN_S
        self.assertLessEqual(self.server.asked["/jwks"] - asked, often, f"for {count} tokens")

    def test_4_a_redirect_is_not_followed(self):
        self.server.elsewhere = json.dumps({"keys": self.stranger.keys}).encode()
        self.server.answer = (302, {"Location": f"https://localhost:{self.server.port}/elsewhere"}, self.server.elsewhere)
        self.asked_again()
        self.assertEqual(self.server.asked["/elsewhere"], 0)
        self.assertFalse(self.is_known(self.stranger.token()))
        self.old_keys_hold()

    def test_5_answers_that_are_no_keys(self):
        """The stranger's keys are in most of them: whatever is taken of a bad answer would let its tokens in."""
        keys = json.dumps({"keys": self.stranger.keys}).encode()
        weak = {"kty": "oct", "kid": "r", "k": "c2VjcmV0"}
        for answer in [(200, {}, b"<html>not found</html>"), (500, {}, keys), (200, {}, keys + b" " * (1 << 20)),
                       (200, {"Content-Length": str(len(keys) + 5)}, keys), (200, {}, keys[:-1]), (200, {}, b'{"keys":[]}'),
                       (200, {}, json.dumps({"keys": [weak]}).encode()), (200, {}, b'{"keys":' * 5000)]:
            self.server.answer = answer
            self.asked_again()
            self.assertFalse(self.is_known(self.stranger.token()), (answer[0], answer[2][:40]))
            self.old_keys_hold()

    def test_6_another_who_says_to_be_the_provider(self):
        self.server.stop()  # first: none of these keys may come from where they would be taken
        self.give(self.stranger.keys)
        self.server.start("fake")  # signed by another authority
        said = lambda: security.SERVERS.log_of("keyed").count("the provider's keys cannot be read")
        before = said()
        self.assertTrue(eventually(lambda: self.is_known(self.stranger.token(kid="x")) or said() > before))
        self.assertFalse(self.is_known(self.stranger.token()))
        self.assertEqual(self.server.asked["/elsewhere"], 0)
        self.old_keys_hold()

    def test_7_a_provider_that_is_away(self):
        self.server.stop()
        said = lambda: security.SERVERS.log_of("keyed").count("the provider's keys cannot be read")
        before = said()
        self.assertTrue(eventually(lambda: self.is_known(self.stranger.token(kid="y")) or said() > before))
        self.old_keys_hold()
        new = Provider(os.path.join(self.folder, "back"), kids=("r3", "e3"))
        self.give(new.keys)
        self.server.start()
        self.assertTrue(eventually(lambda: self.is_known(new.token(kid="r3"))))
