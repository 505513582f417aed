"""What is wrong with a setting of `saga run` is told before anything is deployed, taken up or answered: with words, at once, and
whether servers are there or not. Each run has a file to deploy and a broker that is away, so whoever gets past the settings waits.
usage: settings_test.py SAGA SOURCE_FOLDER"""
import atexit
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

SAGA, SOURCE = [os.path.abspath(path) for path in sys.argv[1:3]]
EXAMPLE = os.path.join(SOURCE, "sagas/order-fulfilment.yaml")
TOKEN = "a-token-nobody-may-see"


held = []  # sockets that never listen, so that nobody else does on their ports
atexit.register(lambda: [s.close() for s in held])


def closed_port():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    held.append(s)
    return s.getsockname()[1]


class SettingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory()
        cls.folder = cls.holder.name
        for name in ("one", "two"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                            "2", "-keyout", f"{cls.folder}/{name}.key", "-out", f"{cls.folder}/{name}.pem", "-subj", "/CN=x"],
                           check=True, capture_output=True)
        cls.write("nonsense", "nonsense\n")
        cls.write("tokens", f"ci admin sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
        cls.write("bare", f"ci viewer {TOKEN}\n")
        cls.write("no-keys", '{"keys":[]}')
        os.mkdir(f"{cls.folder}/bad-schemas")
        cls.write("bad-schemas/a.avsc", "{")

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def run_with(self, *flags, files=(EXAMPLE,), **variables):
        argv = [SAGA, "run", *files, "--bootstrap-servers", f"127.0.0.1:{closed_port()}", "--redis-port", str(closed_port()), *flags]
        return subprocess.Popen(argv, env={**os.environ, **variables}, cwd=self.folder, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, universal_newlines=True)

    def refused(self, words, *flags):
        flags = [os.path.join(self.folder, flag[1:]) if flag.startswith("@") else flag for flag in flags]
        child = self.run_with(*flags)
        try:
            said = child.communicate(timeout=600)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            self.fail(f"{flags} is not refused: {child.communicate()[0]}")
        self.assertIn(child.returncode, (1, 2), (flags, said))
        self.assertIn(words, said, flags)
        self.assertNotIn("broker not there", said)
        self.assertNotIn(TOKEN, said)

    def test_addresses_of_the_api(self):
        for address in ("99999", "65536", "-1", "http", "127.0.0.1:", "127.0.0.1:70000", ":x", "[::1]:"):
            self.refused("a port up to 65535", "--http", address)
        self.refused("cannot listen on no-such-host.invalid:8080", "--http", "no-such-host.invalid:8080")
        self.refused("cannot listen on 192.0.2.1:8080", "--http", "192.0.2.1:8080")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.refused("Address already in use", "--http", str(taken.getsockname()[1]))

    def test_who_may_use_the_api(self):
        self.refused("/nowhere cannot be used: it cannot be read", "--http", "0", "--http-tokens", "@nowhere")
        self.refused("the role must be viewer, operator or deployer", "--http", "0", "--http-tokens", "@tokens")
        self.refused("line 1: the third word must begin with sha256:", "--http", "0", "--http-tokens", "@bare")
        provider = ("--http", "0", "--http-oidc-issuer", "https://id.example", "--http-oidc-audience", "saga")
        self.refused("OpenID Connect needs the provider's keys", *provider)
        self.refused("cannot be used: No such file", *provider, "--http-oidc-jwks", "@nowhere")
        self.refused("cannot be used: it is no JSON", *provider, "--http-oidc-jwks", "@nonsense")
        self.refused("cannot be used: it has no key for RS256 or ES256", *provider, "--http-oidc-jwks", "@no-keys")
        self.refused("a file, or an https URL", *provider, "--http-oidc-jwks", "http://id.example/jwks")
        self.refused("without a password", *provider, "--http-oidc-jwks", f"https://saga:{TOKEN}@id.example/jwks")
        for file in ("@nowhere", "@nonsense"):
            self.refused("there is no certificate in", *provider, "--http-oidc-jwks", "https://id.example/jwks",
                         "--http-oidc-ca-file", file)

    def test_certificates_of_the_api(self):
        served = ("--http", "0", "--http-tls-certificate")
        self.refused("needs a certificate and its key", *served, "@one.pem")
        self.refused("nowhere.pem cannot be read", *served, "@nowhere.pem", "--http-tls-key", "@one.key")
        self.refused("nowhere.key cannot be read", *served, "@one.pem", "--http-tls-key", "@nowhere.key")
        self.refused("TLS cannot be served with", *served, "@one.pem", "--http-tls-key", "@two.key")
        self.refused("TLS cannot be served with", *served, "@nonsense", "--http-tls-key", "@one.key")
        self.refused("there is no certificate in", *served, "@one.pem", "--http-tls-key", "@one.key", "--http-tls-client-ca",
                     "@nonsense")

    def test_where_spans_go(self):
        for endpoint in ("nonsense here", "ftp://collector", f"http://saga:{TOKEN}@collector:4318", "http://collector:4318/#x"):
            self.refused("traces.endpoint", "--traces-endpoint", endpoint)
        self.refused("a share from 0 to 1", "--traces-sample", "2")

    def test_what_the_lanes_need(self):
        self.refused("redis.tls.ca: ", "--redis-tls", "true", "--redis-tls-ca", "@nowhere.pem")
        self.refused("redis.tls.key: ", "--redis-tls", "true", "--redis-tls-certificate", "@one.pem", "--redis-tls-key", "@two.key")
        self.refused("privacy.key-file cannot be read: No such file", "--privacy-key-file", "@nowhere")
        self.refused("a.avsc", "--schemas", "@bad-schemas")
        self.refused("ssl.ca.location", "-X", "security.protocol=SSL", "-X", "ssl.ca.location=/nowhere.pem")

    def said_when_it_listens(self, *flags):
        """What the log has before it says that the API is there."""
        child = self.run_with("--log-level", "info", *flags, files=())
        said = self.said_before("http api", child)
        child.terminate()
        child.communicate()
        return said

    def said_before(self, words, child):
        killer = threading.Timer(600, child.kill)
        killer.start()
        said = ""
        for line in child.stdout:
            if words in line:
                break
            said += line
        else:
            self.fail(f"it never says {words}: {said}")
        killer.cancel()
        return said

    def test_who_can_reach_the_api(self):
        """On this machine alone where nothing is said; elsewhere with a warning, unless it is asked who comes, by TLS."""
        self.write("good", f"ci viewer sha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
        tokens = ("--http-tokens", f"{self.folder}/good")
        tls = ("--http-tls-certificate", f"{self.folder}/one.pem", "--http-tls-key", f"{self.folder}/one.key")
        everybody, clear = "everybody who reaches this address may do everything", "tokens go over the network in the clear"
        for flags, words in [(("--http", "0"), None), (("--http", "127.0.0.2:0"), None), (("--http", "0.0.0.0:0"), everybody),
                             (("--http", "0.0.0.0:0", *tls), everybody), (("--http", "0.0.0.0:0", *tokens), clear),
                             (("--http", "0.0.0.0:0", *tokens, *tls), None)]:
            said = self.said_when_it_listens(*flags)
            self.assertEqual([w for w in (everybody, clear) if w in said], [words] if words else [], flags)

    def test_what_is_right_is_not_refused(self):
        """Else the others would hold of a program that refuses everything."""
        child = self.run_with("--http", "0", "--http-tls-certificate", f"{self.folder}/one.pem", "--http-tls-key",
                              f"{self.folder}/one.key", "--http-tls-client-ca", f"{self.folder}/two.pem", "--traces-endpoint",
                              "http://localhost:4318", "--stop-timeout", "100s")
        self.said_before("broker not there", child)
        child.terminate()
        said = child.communicate(timeout=600)[0]
        self.assertEqual(child.returncode, 0, said)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
