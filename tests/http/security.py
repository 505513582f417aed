"""Who may do what, and hostile requests. Each test says which fault it is that it would find."""
import base64
import concurrent.futures
import hashlib
import http.client
import json
import os
import select
import socket
import ssl
import subprocess
import time
import unittest

from contract import Client, Contract
from examples import WAITING
from servers import eventually, free_port, request

SERVERS = PROGRAM = None  # set by http_test.py
CONNECTIONS = 60  # of the coordinator that is beset


def encoded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


def openssl(*arguments, input=None):
    return subprocess.run(["openssl", *arguments], input=input, check=True, capture_output=True).stdout


class Provider:
    """An OpenID Connect provider's keys and tokens."""

    def __init__(self, folder, kids=("r", "e")):
        os.makedirs(folder, exist_ok=True)
        self.rsa, self.ec = os.path.join(folder, "rsa.pem"), os.path.join(folder, "ec.pem")
        self.other = os.path.join(folder, "other.pem")
        self.jwks = os.path.join(folder, "jwks.json")
        for path in (self.rsa, self.other):
            openssl("genrsa", "-out", path, "2048")
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.ec)
        modulus = bytes.fromhex(openssl("rsa", "-in", self.rsa, "-noout", "-modulus").decode().strip().split("=")[1])
        point = openssl("ec", "-in", self.ec, "-pubout", "-outform", "DER")[-64:]
        self.public = openssl("rsa", "-in", self.rsa, "-pubout")
        self.keys = [{"kty": "RSA", "kid": kids[0], "use": "sig", "n": encoded(modulus), "e": "AQAB"},
                     {"kty": "EC", "kid": kids[1], "crv": "P-256", "x": encoded(point[:32]), "y": encoded(point[32:])}]
        with open(self.jwks, "w") as file:
            json.dump({"keys": self.keys}, file)

    def token(self, alg="RS256", kid="r", key=None, header=None, **claims):
        now = int(time.time())
        claims = {"iss": "https://id.example", "aud": "saga", "sub": "ann", "exp": now + 600, "iat": now,
                  "realm_access": {"roles": ["saga-operator", "other"]}, **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": alg, "kid": kid, "typ": "JWT", **(header or {})}
        signed = f"{encoded(head)}.{encoded(claims)}"
        if alg == "none":
            return signed + "."
        if alg == "HS256":
            import hmac
            return signed + "." + encoded(hmac.new(self.public, signed.encode(), "sha256").digest())
        signature = openssl("dgst", "-sha256", "-sign", key or (self.rsa if alg == "RS256" else self.ec),
                            input=signed.encode())
        if alg == "ES256":  # DER to the two numbers
            r = signature[4:4 + signature[3]]
            s = signature[6 + signature[3]:]
            signature = r[-32:].rjust(32, b"\0") + s[-32:].rjust(32, b"\0")
        return signed + "." + encoded(signature)


class TokensTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.file = os.path.join(SERVERS.folder, "tokens")
        cls.tokens = {role: "secret-of-" + role for role in ("viewer", "operator", "deployer")}
        cls.write()
        cls.provider = Provider(SERVERS.folder)
        folder = SERVERS.folder
        cls.certificates(folder)
        cls.child, cls.port = SERVERS.start_coordinator(
            PROGRAM, "--http-tokens", cls.file, "--http-tls-certificate", f"{folder}/server.pem", "--http-tls-key",
            f"{folder}/server.key", "--http-tls-client-ca", f"{folder}/ca.pem", "--http-oidc-issuer", "https://id.example",
            "--http-oidc-audience", "saga", "--http-oidc-jwks", cls.provider.jwks, "--http-oidc-roles",
            "realm_access.roles", "--http-rate", "500", name="guarded")
        cls.context = ssl.create_default_context(cafile=f"{folder}/ca.pem")
        cls.base = f"https://localhost:{cls.port}"
        cls.contract = Contract()

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        assert cls.child.wait(300) == 0

    @classmethod
    def write(cls, more=""):
        with open(cls.file + ".new", "w") as file:
            file.write("# who may do what\n\n")
            for role, token in cls.tokens.items():
                file.write(f"the-{role} {role} sha256:{hashlib.sha256(token.encode()).hexdigest()}  # {role}\n")
            file.write("bob operator certificate:bob\n" + more)
        os.replace(cls.file + ".new", cls.file)

    @staticmethod
    def certificates(folder):
        for name, issuer in (("ca", None), ("server", "ca"), ("bob", "ca"), ("eve", "ca"), ("rogue", None), ("fake", "rogue")):
            subject = {"server": "localhost", "fake": "bob"}.get(name, name)
            arguments = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                         "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem", "-subj", f"/CN={subject}"]
            if issuer:
                arguments += ["-CA", f"{folder}/{issuer}.pem", "-CAkey", f"{folder}/{issuer}.key", "-addext",
                              "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=DNS:localhost"]
            openssl(*arguments)

    def api(self, token=None, certificate=None):
        context = self.context
        if certificate:
            context = ssl.create_default_context(cafile=f"{SERVERS.folder}/ca.pem")
            context.load_cert_chain(f"{SERVERS.folder}/{certificate}.pem", f"{SERVERS.folder}/{certificate}.key")
        return Client(self.base, self.contract, token, context)

    def me(self, **who):
        answer = self.api(**who).get("/api/v1/me")
        return (answer.json["subject"], answer.json["roles"][-1], answer.json["authentication"]) \
            if answer.status == 200 else answer.status

    def test_tokens_have_roles(self):
        for role, token in self.tokens.items():
            self.assertEqual(self.me(token=token), ("the-" + role, role, "token"))
        for token in (None, "", "wrong", "secret-of-viewe", "secret-of-viewer ", "x" * 9000,
                      hashlib.sha256(b"secret-of-viewer").hexdigest()):
            self.assertIn(self.me(token=token), (401, 429), token)
        order, start = {"reason": "x"}, {"definition": "nobody", "key": "k"}
        allowed = {"viewer": [200, 403, 403, 403, 403], "operator": [200, 404, 404, 403, 422],
                   "deployer": [200, 404, 404, 422, 422]}
        for role, statuses in allowed.items():
            api = self.api(self.tokens[role])
            eventually(lambda: api.get("/api/v1/definitions").status == 200)
            found = [api.get("/api/v1/sagas").status, api.post("/api/v1/sagas", start).status,
                     api.post("/api/v1/sagas/waiting/nobody/cancel", order).status,
                     api.post("/api/v1/definitions", "saga: x").status,
                     api.post("/api/v1/definitions/what-if", "saga: x").status]
            self.assertEqual(found, statuses, role)
        for path in ("/livez", "/openapi.yaml"):
            self.assertEqual(self.api().get(path).status, 200)
        self.assertEqual(self.api().get("/api/v1/me").headers["WWW-Authenticate"], 'Bearer realm="saga"')

    def test_tokens_are_read_again(self):
        line = f"new viewer sha256:{hashlib.sha256(b'brand-new').hexdigest()}\n"
        self.assertIn(self.me(token="brand-new"), (401, 429))
        self.write(line)
        self.assertTrue(eventually(lambda: self.me(token="brand-new") == ("new", "viewer", "token")))
        self.write(line + "broken line here too\n")
        self.assertTrue(eventually(lambda: "the old ones stay" in SERVERS.log_of("guarded")))
        self.assertEqual(self.me(token="brand-new"), ("new", "viewer", "token"))
        self.write()
        self.assertTrue(eventually(lambda: self.me(token="brand-new") in (401, 429)))

    def test_a_made_token_is_let_in(self):
        """Catches a line that the file does not take, and a token on standard output, which ends up in the file."""
        made = subprocess.run([PROGRAM, "token", "made", "viewer"], check=True, capture_output=True, text=True)
        token = made.stderr.split()[-1]
        self.assertNotIn(token, made.stdout)
        self.write(made.stdout)
        self.assertTrue(eventually(lambda: self.me(token=token) == ("made", "viewer", "token")))
        self.write()

    def test_certificates(self):
        self.assertEqual(self.me(certificate="bob"), ("bob", "operator", "certificate"))
        self.assertIn(self.me(certificate="eve"), (401, 429))
        # a certificate that names bob, of another authority: not bob, whether the handshake ends or not
        try:
            self.assertIn(self.me(certificate="fake"), (401, 429))
        except OSError:
            pass
        with self.assertRaises(OSError):
            request(f"http://localhost:{self.port}/livez")

    def test_openid_connect(self):
        good = self.provider.token
        self.assertEqual(self.me(token=good()), ("ann", "operator", "oidc"))
        self.assertEqual(self.me(token=good("ES256", "e")), ("ann", "operator", "oidc"))
        self.assertEqual(self.me(token=good(aud=["other", "saga"])), ("ann", "operator", "oidc"))
        # known, and allowed nothing
        self.assertEqual(self.me(token=good(realm_access={"roles": ["admin"]})), 403)
        now = int(time.time())
        forged = [good(iss="https://evil.example"), good(aud="other"), good(aud=None), good(exp=now - 3600), good(exp=None),
                  good(exp="soon"), good(nbf=now + 3600), good(iat=now + 3600), good(sub=None), good(sub=""), good(sub=5),
                  good("none"), good("HS256"), good("HS256", header={"alg": "RS256"}), good(kid="x"), good(key=self.provider.other),
                  good("ES256", "r"), good("RS256", "e"), good(header={"crit": ["x"], "x": 1}),
                  good()[:-8] + "AAAAAAAA", good().replace(".", ".e30", 1), good() + "A", "a.b.c", "..", "."]
        for number, token in enumerate(forged):
            self.assertIn(self.me(token=token), (401, 429), number)
        for token in forged + list(self.tokens.values()):
            if len(token) > 10:
                self.assertNotIn(token, SERVERS.log_of("guarded"))

    def test_who_did_what_is_logged(self):
        api = self.api(self.tokens["operator"])
        api.post("/api/v1/sagas/waiting/nobody/cancel", {"reason": "to be seen"})
        self.assertTrue(eventually(lambda: '"subject":"the-operator"' in SERVERS.log_of("guarded")))

    def test_who_did_what_is_journaled(self):
        """By the subject's name, however they are known. Catches one that stands there under another's name, or under none."""
        deployer, operator = self.api(self.tokens["deployer"]), self.api(self.tokens["operator"])
        text = WAITING.format(version=1).replace("saga: waiting", "saga: guarded", 1)
        self.assertTrue(eventually(lambda: deployer.post("/api/v1/definitions", text).status in (200, 201)))
        start = {"definition": "guarded", "key": "g", "input": {"word": "g"}}
        self.assertTrue(eventually(lambda: operator.post("/api/v1/sagas", start).status == 202))
        path = "/api/v1/sagas/guarded/g"
        self.assertTrue(eventually(lambda: operator.get(path).status == 200))
        for verb, who in [("pause", self.api(self.provider.token())), ("resume", self.api(certificate="bob")), ("cancel", deployer)]:
            answer = who.post(f"{path}/{verb}?wait=5m", {"reason": "to be seen"})
            self.assertEqual((answer.status, answer.json["outcome"]), (200, "done"), answer)
        records = operator.get(path + "/history?limit=1000").json["runs"][0]["items"]
        said = [(record["cause"].get("verb"), record["cause"]["who"], record["cause"]["from"]) for record in records
                if record["cause"].get("who")]
        self.assertEqual({who for verb, who, _ in said if not verb}, {"the-operator"})
        self.assertEqual([(verb, who) for verb, who, _ in said if verb],
                         [("pause", "ann"), ("resume", "bob"), ("cancel", "the-deployer")])
        self.assertEqual({address for _, _, address in said}, {"127.0.0.1"})
        listed = operator.get("/api/v1/operations?definition=guarded").json["items"]
        self.assertEqual([(o["verb"], o["who"]) for o in listed], [("cancel", "the-deployer"), ("resume", "bob"), ("pause", "ann"),
                                                                  ("deploy", "the-deployer")])
        self.assertEqual(operator.get("/api/v1/operations?definition=guarded&who=ann").json["items"], [listed[2]])

    def test_zz_too_many_requests(self):
        seen = set()

        def flood(_):
            """Over one connection: a slow machine makes fewer of them a second than there may be wrong tokens."""
            connection = http.client.HTTPSConnection("localhost", self.port, context=self.context)
            for _ in range(20):
                connection.request("GET", "/api/v1/me", headers={"Authorization": "Bearer wrong"})
                answer = connection.getresponse()
                answer.read()
                seen.add(answer.status)
            connection.close()

        def both():
            with concurrent.futures.ThreadPoolExecutor(15) as many:
                list(many.map(flood, range(15)))
            return seen == {401, 429}
        self.assertTrue(eventually(both), seen)
        # nobody else is locked out by it
        self.assertEqual(self.me(token=self.tokens["viewer"]), ("the-viewer", "viewer", "token"))


class AloneTest(unittest.TestCase):
    """A coordinator without Kafka and Redis, which may be asked once a second."""

    @classmethod
    def setUpClass(cls):
        cls.tokens = os.path.join(SERVERS.folder, "alone.tokens")
        with open(cls.tokens, "w") as file:
            file.writelines(f"{name} viewer sha256:{hashlib.sha256(f'secret-of-{name}'.encode()).hexdigest()}\n"
                            for name in ("often", "seldom"))
        cls.child, cls.port = SERVERS.start_coordinator(
            PROGRAM, "--http-rate", "1", "--http-tokens", cls.tokens, name="alone", SAGA_REDIS_PORT=str(free_port()),
            SAGA_KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
        cls.base, cls.contract = f"http://127.0.0.1:{cls.port}", Contract()

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        assert cls.child.wait(300) == 0

    def test_1_it_lives_and_says_what_it_waits_for(self):
        self.assertTrue(eventually(lambda: request(self.base + "/livez").status == 200))
        ask = lambda: Client(self.base, self.contract).get("/readyz")
        answer = eventually(lambda: [a for a in [ask()] if a.status != 429])[0]
        self.assertEqual((answer.status, answer.json["ready"]), (503, False))
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        reasons = {check["name"]: (check["ok"], bool(check.get("reason"))) for check in answer.json["checks"]}
        self.assertEqual(reasons, {name: (False, True) for name in ("workers", "kafka", "redis")}, answer)

    def test_2_who_asks_too_often_waits_and_nobody_else(self):
        ask = lambda name: Client(self.base, self.contract, "secret-of-" + name).get("/api/v1/me")

        def refused(_):
            answer = ask("often")
            return answer if answer.status == 429 else None
        with concurrent.futures.ThreadPoolExecutor(10) as many:
            found = eventually(lambda: [a for a in many.map(refused, range(50)) if a])
        self.assertTrue(found)
        self.assertEqual(found[0].json["type"], "urn:saga:problem:too-many")
        self.assertGreaterEqual(int(found[0].headers["Retry-After"]), 1)
        self.assertEqual(ask("seldom").status, 200)
        self.assertTrue(eventually(lambda: ask("often").status == 200))  # and then may again

    def test_3_nobody_is_promised_changes_that_cannot_be_seen(self):
        """Catches a listener who is told that it hears of all from now on while there is no look yet to compare with."""
        def heard():
            with socket.create_connection(("127.0.0.1", self.port)) as s:
                s.sendall(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret-of-seldom\r\n"
                          b"Connection: close\r\n\r\n")
                text = b""
                while b": alive" not in text and (part := s.recv(4096)):
                    text += part
                return text
        text = eventually(lambda: [text for text in [heard()] if not text.startswith(b"HTTP/1.1 429 ")])[0]
        self.assertIn(b": alive", text)
        self.assertNotIn(b"what changes", text)

    def test_4_what_gives_access_is_in_no_log(self):
        self.assertNotIn("secret-of-", SERVERS.log_of("alone"))


class HostileTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        definition = os.path.join(SERVERS.folder, "left.yaml")
        with open(definition, "w") as file:
            file.write(WAITING.format(version=1).replace("saga: waiting", "saga: left", 1))
        SERVERS.saga(PROGRAM, "deploy", definition)
        cls.child, cls.port = SERVERS.start_coordinator(PROGRAM, "--http-connections", str(CONNECTIONS), name="beset")
        cls.base = f"http://127.0.0.1:{cls.port}"

    @classmethod
    def tearDownClass(cls):
        cls.child.terminate()
        assert cls.child.wait(300) == 0

    def raw(self, data, seconds=120):
        with socket.create_connection(("127.0.0.1", self.port), seconds) as s:
            answer = b""
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while part := s.recv(65536):
                    answer += part
            except OSError:
                pass
            return answer

    def status(self, data):
        answer = self.raw(data)
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0

    def alive(self):
        self.assertEqual(request(self.base + "/livez").status, 200)
        self.assertIsNone(self.child.poll())

    def test_heads(self):
        host = b"Host: localhost\r\n"
        for data in [b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * 100000 + b"\r\n\r\n",
                     b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n" + host + b"\r\n",
                     b"GET / HTTP/1.1\r\n" + host + b"".join(b"X%d: y\r\n" % i for i in range(20000)) + b"\r\n"]:
            self.assertIn(self.status(data), (0, 400, 413, 414, 431), data[:30])
        for data in [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 1000, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                     b"GET / HTTP/1.1\r\n\r\n", b"GET /\x00x HTTP/1.1\r\n" + host + b"\r\n", b"\r\n" * 5000]:
            self.assertNotEqual(self.status(data), 500)
        self.alive()

    def test_bodies(self):
        head = b"POST /api/v1/sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.assertEqual(self.status(head + b"Content-Length: 99999999999\r\n\r\n{"), 413)
        chunks = b"".join(b"10000\r\n" + b"a" * 65536 + b"\r\n" for _ in range(40))
        self.assertIn(self.status(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"), (0, 413))
        self.assertIn(self.status(head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), (0, 400, 413))
        # two lengths, of which another server might believe the other
        for lengths in (b"Content-Length: 2\r\nContent-Length: 50\r\n", b"Content-Length: -1\r\n", b"Content-Length: 1x\r\n"):
            self.assertNotIn(self.status(head + lengths + b"\r\n{}GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                             (200, 202), lengths)
        self.assertEqual(self.status(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"), 400)
        for kind in (b"text/plain", b"application/x-www-form-urlencoded", b"application/jsonp", b""):
            self.assertEqual(self.status(head.replace(b"application/json", kind) + b"Content-Length: 2\r\n\r\n{}"), 415, kind)
        self.alive()

    def test_paths(self):
        for path in ["/api/v1/../../etc/passwd", "/api/v1/sagas/%2e%2e/x", "/api//v1/me", "/api/v1/me/", "/api/v1/sagas/a/%",
                     "/api/v1/sagas/a/%zz", "/api/v1/sagas/a/%00", "/api/v1/sagas/a/b/c/d/e/f/g", "/API/v1/me", "/api/v1/%6de%00",
                     "/api/v1/sagas?" + "&".join(f"search=a:{i}" for i in range(100))]:
            answer = request(self.base + path)
            self.assertIn(answer.status, (400, 404), path)
            self.assertEqual(answer.headers["Content-Type"], "application/problem+json", path)
        # what comes back in a header is escaped
        answer = request(self.base + "/api/v1/sagas", "POST", {"definition": "waiting", "key": "a\r\nX-Evil: 1", "input": {}})
        self.assertNotIn("X-Evil", answer.headers)
        self.alive()

    def test_other_sites(self):
        """A page of another site makes a browser send something, or leads its own name to this address."""
        body = {"definition": "waiting", "key": "forged", "input": {"word": "forged"}}
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Origin": f"http://localhost:{self.port + 1}"}):
            answer = request(self.base + "/api/v1/sagas", "POST", body, headers=headers)
            self.assertEqual(answer.status, 403, headers)
        for host in ("evil.example", f"evil.example:{self.port}", "127.0.0.1.evil.example", "localhost.evil.example"):
            self.assertEqual(request(self.base + "/api/v1/me", headers={"Host": host}).status, 421, host)
        answer = request(self.base + "/api/v1/me", headers={"Origin": "https://evil.example"})
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        self.assertEqual(request(self.base + "/api/v1/sagas", "OPTIONS").status, 405)

    def test_slow_clients_are_cut_off(self):
        """Few bytes at a time, for ever: of a head, of a body; and one that is silent."""
        sockets = [socket.create_connection(("127.0.0.1", self.port)) for _ in range(6)]
        heads = [b"GET /livez HTTP/1.1\r\nHost: localhost\r\n",
                 b"POST /api/v1/sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"]
        for number, s in enumerate(sockets):
            s.settimeout(1)
            s.sendall(heads[number % 2])
        ended, until = set(), time.monotonic() + 300
        while len(ended) < len(sockets) and time.monotonic() < until:
            for number, s in enumerate(sockets):
                if number in ended:
                    continue
                try:
                    s.sendall(b"X: y\r\n" if number % 2 == 0 else b" ")
                    s.setblocking(False)
                    if s.recv(4096) == b"":
                        ended.add(number)
                except BlockingIOError:
                    pass
                except OSError:
                    ended.add(number)
                finally:
                    s.settimeout(1)
            time.sleep(0.5)
        for s in sockets:
            s.close()
        self.assertEqual(len(ended), len(sockets))
        self.alive()

    def test_many_connections(self):
        """More than are allowed: those that are there go on, and afterwards everybody is answered again."""
        sockets = []
        for _ in range(200):
            s = socket.create_connection(("127.0.0.1", self.port))
            sockets.append(s)
        for s in sockets:
            s.close()
        self.assertTrue(eventually(lambda: self.status(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200))
        self.alive()

    def test_who_leaves_while_it_waits_makes_room(self):
        """Catches waits that keep a connection each until their time is over, though nobody is there any more."""
        self.assertTrue(eventually(lambda: request(self.base + "/readyz").status == 200))
        sockets = {}
        started = lambda: json.loads(SERVERS.saga(PROGRAM, "list", "--definition", "left", "--limit", "1000", "-o", "json").stdout)

        def all_wait():
            """Whoever met a connection of before that was still being closed comes once more."""
            for number in range(CONNECTIONS - 5):
                if number in sockets and select.select([sockets[number]], [], [], 0)[0]:
                    sockets.pop(number).close()
                if number not in sockets:
                    sockets[number] = self.start_and_wait(f"left-{number}")
            return len(started()) == CONNECTIONS - 5
        self.assertTrue(eventually(all_wait), started())
        for s in sockets.values():
            s.close()
        self.assertTrue(eventually(lambda: self.answers(CONNECTIONS - 5)))
        self.alive()

    def start_and_wait(self, key):
        """A request that is not answered for ten minutes."""
        body = json.dumps({"definition": "left", "key": key, "input": {"word": key}}).encode()
        s = socket.create_connection(("127.0.0.1", self.port))
        s.sendall(b"POST /api/v1/sagas?wait=10m HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return s

    def answers(self, count):
        """So many connections at a time, which are all answered."""
        sockets = []
        try:
            for _ in range(count):
                sockets.append(socket.create_connection(("127.0.0.1", self.port), 60))
            for s in sockets:
                s.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return all(s.recv(100).startswith(b"HTTP/1.1 200 ") for s in sockets)
        except OSError:
            return False
        finally:
            for s in sockets:
                s.close()

    def test_zz_memory_is_bounded(self):
        def memory():
            with open(f"/proc/{self.child.pid}/status") as file:
                return int([line for line in file if line.startswith("VmRSS")][0].split()[1])
        big = b"POST /api/v1/sagas HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"
        for _ in range(20):
            self.raw(big + b"[" * 1000000)
        before = memory()
        for _ in range(150):
            self.raw(big + b"[" * 1000000)
        self.assertLess(memory() - before, 64 * 1024)
        self.alive()
