"""What is in operations/ beside the program: metrics, alerts and dashboard, the unit, pages of the manual, completion in
shells, compose. usage: operations_test.py SAGA METRICS_SAMPLE SOURCE_FOLDER"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from ruamel.yaml import YAML

SAGA, SAMPLE, SOURCE = [os.path.abspath(path) for path in sys.argv[1:4]]
OPERATIONS = os.path.join(SOURCE, "operations")
PROMETHEUS = os.path.join(OPERATIONS, "prometheus")
FUNCTIONS = {"by", "without", "on", "ignoring", "or", "and", "unless", "bool", "offset", "group_left", "vector"}


def run(*command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, **more)


def sample():
    return subprocess.run([SAMPLE], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout


def printed():
    """Labels by name of metric, as the program prints them; Prometheus adds some of its own."""
    found = {"up": {"job", "instance"}}
    for line in sample().splitlines():
        match = re.match(r"([a-z_]+)(\{.*\})? ", line)
        if line.startswith("#"):
            continue
        labels = set(re.findall(r'(\w+)="', match.group(2) or ""))
        found.setdefault(match.group(1), {"job", "instance"}).update(labels)
    return found


def selectors(expression):
    """(name, matched labels) of each series that an expression asks for."""
    text = re.sub(r"\b(by|without)\s*\([^)]*\)", " ", expression)
    text = re.sub(r"\[[^\]]*\]", " ", text)
    for match in re.finditer(r'\b([a-z][a-z_0-9]*)\s*(\{(?:[^}"]|"[^"]*")*\})?', re.sub(r'(?<![{,=~!"\w])"[^"]*"', "", text)):
        name, labels = match.groups()
        behind = text[match.end():].lstrip()
        if name in FUNCTIONS or (labels is None and behind.startswith("(")):
            continue
        if "_" in name or name == "up":
            yield name, set(re.findall(r'(\w+)\s*[!=]~?\s*"', labels or ""))


def grouped(expression):
    for names in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        yield from (name.strip() for name in names.split(","))


def dashboard_expressions():
    with open(os.path.join(OPERATIONS, "grafana", "saga.json"), encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5m")
            yield panel["title"], re.sub(r"\$\w+", ".*", expression)


def alert_expressions():
    with open(os.path.join(PROMETHEUS, "alerts.yml"), encoding="utf-8") as file:
        for group in YAML(typ="safe").load(file)["groups"]:
            for rule in group["rules"]:
                yield rule["alert"], rule["expr"]


class Metrics(unittest.TestCase):
    def setUp(self):
        self.assertTrue(shutil.which("promtool"), "promtool is not there: apt-get install prometheus")

    def test_the_text_is_what_prometheus_reads_and_names_keep_to_the_conventions(self):
        done = run("promtool", "check", "metrics", input=sample())
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_alerts_are_rules_and_ring_when_they_should(self):
        for command in (["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"],
                        ["test", "rules", "alerts_test.yml"]):
            done = run("promtool", *command, cwd=PROMETHEUS)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_every_alert_has_a_scenario_in_which_it_rings(self):
        with open(os.path.join(PROMETHEUS, "alerts_test.yml"), encoding="utf-8") as file:
            scenarios = file.read()
        for name, _ in alert_expressions():
            self.assertIn('alertname="%s"' % name, scenarios)

    def test_the_dashboards_expressions_can_be_read(self):
        rules = [{"record": "r:%d" % i, "expr": e} for i, (_, e) in enumerate(dashboard_expressions())]
        self.assertGreater(len(rules), 20)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
            file.flush()
            done = run("promtool", "check", "rules", file.name)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_is_asked_for_is_what_is_printed(self):
        known = printed()
        asked = 0
        for where, expression in list(dashboard_expressions()) + list(alert_expressions()):
            names = []
            for name, labels in selectors(expression):
                self.assertIn(name, known, "%s asks for %s" % (where, name))
                self.assertLessEqual(labels, known[name], "%s: %s" % (where, name))
                names.append(name)
                asked += 1
            self.assertTrue(names, "%s asks for nothing: %s" % (where, expression))
            for label in grouped(expression):
                self.assertTrue(any(label in known[name] for name in names), "%s: by %s" % (where, label))
        self.assertGreater(asked, 50)

    def test_the_page_names_every_metric(self):
        with open(os.path.join(OPERATIONS, "README.md"), encoding="utf-8") as file:
            page = file.read()
        for line in sample().splitlines():
            if line.startswith("# TYPE saga_"):
                self.assertIn("`%s`" % line.split()[2], page)


class Unit(unittest.TestCase):
    def test_systemd_understands_it_and_finds_little_exposed(self):
        if not shutil.which("systemd-analyze"):
            self.fail("systemd-analyze is not there: apt-get install systemd")
        with open(os.path.join(OPERATIONS, "saga.service"), encoding="utf-8") as file:
            text = file.read().replace("/usr/bin/saga", SAGA)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "saga.service")
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            done = run("systemd-analyze", "verify", "--man=no", path)
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            done = run("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
            self.assertEqual(done.returncode, 0, done.stdout[-300:])

    def test_the_packages_configuration_is_one(self):
        path = os.path.join(OPERATIONS, "saga.yaml")
        done = run(SAGA, "config", "--config", path, env={})
        self.assertEqual(done.returncode, 0, done.stdout)


class Pages(unittest.TestCase):
    """The pages and completion say what --help says."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([SAGA, "manual", "--to", cls.folder.name], check=True)
        overview = run(SAGA, "help").stdout
        cls.commands = [m.group(1) for m in re.finditer(r"^  ([a-z-]+(?: [a-z-]+)?)  +\S", overview, re.M)]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_each_command_has_a_page_with_its_options(self):
        self.assertGreater(len(self.commands), 30)
        for command in self.commands:
            with open(os.path.join(self.folder.name, "saga-%s.1" % command.replace(" ", "-")), encoding="utf-8") as file:
                page = file.read().replace("\\-", "-")
            shown = set(re.findall(r"^ +(?:-., )?(--[a-z-]+)", run(SAGA, *command.split(), "--help").stdout, re.M))
            shown -= {"--usage"}
            missing = [option for option in shown if "%s\\fR" % option not in page]
            self.assertEqual(missing, [], command)

    def test_the_page_of_all_names_each(self):
        with open(os.path.join(self.folder.name, "saga.1"), encoding="utf-8") as file:
            page = file.read().replace("\\-", "-")
        for command in self.commands:
            self.assertIn("saga-%s (1)" % command.replace(" ", "-"), page)

    def test_man_has_nothing_to_say_about_them(self):
        if not shutil.which("groff"):
            self.fail("groff is not there: apt-get install groff-base")
        for name in sorted(os.listdir(self.folder.name)):
            done = run("groff", "-man", "-ww", "-Tutf8", "-z", os.path.join(self.folder.name, name))
            self.assertEqual((done.returncode, done.stdout), (0, ""), name)

    def bash(self, *words):
        script = ('source <("$0" completion bash)\ncompopt() { :; }\nCOMP_WORDS=("$@")\n'
                  'COMP_CWORD=$(($# - 1))\n_saga\nprintf "%s\\n" "${COMPREPLY[@]}"')
        return run("bash", "-c", script, SAGA, *words).stdout.split()

    def test_bash_completes_commands_options_and_values(self):
        first = {command.split()[0] for command in self.commands}
        self.assertEqual(set(self.bash("saga", "")) - {"help"}, first)
        self.assertEqual(self.bash("saga", "topics", ""), ["create", "check"])
        self.assertEqual(self.bash("saga", "run", "--work"), ["--workers="])
        self.assertEqual(self.bash("saga", "history", "-o", ""), "text json jsonl mermaid html".split())
        self.assertEqual(self.bash("saga", "list", "--output", "=", "js"), ["json", "jsonl"])
        self.assertEqual(self.bash("saga", "check", "/etc/host-that-is-not"), [])
        self.assertIn("/etc/passwd", self.bash("saga", "check", "/etc/pass"))

    def test_zsh_and_fish_read_theirs(self):
        for shell in ("zsh", "fish"):
            script = run(SAGA, "completion", shell).stdout
            for command in self.commands:
                self.assertIn(command.split()[-1], script)
            if shutil.which(shell):
                with tempfile.NamedTemporaryFile("w") as file:
                    file.write(script)
                    file.flush()
                    done = run(shell, "-n", file.name)
                    self.assertEqual((done.returncode, done.stdout), (0, ""))


class Compose(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(SOURCE, "docker-compose.yml"), encoding="utf-8") as file:
            self.compose = YAML(typ="safe").load(file)

    def test_what_it_mounts_is_there_and_what_it_runs_has_a_version(self):
        volumes = set(self.compose["volumes"])
        for name, service in self.compose["services"].items():
            for mount in service.get("volumes", []):
                origin = mount.split(":")[0]
                here = os.path.exists(os.path.join(SOURCE, origin)) if origin.startswith(".") else origin in volumes
                self.assertTrue(here, "%s: %s" % (name, mount))
            if "build" not in service:
                self.assertRegex(service["image"], r":v?\d", name)
            for other in service.get("depends_on", {}):
                self.assertIn(other, self.compose["services"])

    def test_the_coordinator_has_no_more_than_it_needs(self):
        service = self.compose["services"]["saga"]
        self.assertTrue(service["read_only"])
        self.assertEqual(service["cap_drop"], ["ALL"])
        self.assertIn("no-new-privileges:true", service["security_opt"])
        with open(os.path.join(SOURCE, "Dockerfile"), encoding="utf-8") as file:
            stages = re.split(r"^FROM ", file.read(), flags=re.M)[2:]
        self.assertEqual(len(stages), 2)
        for stage in stages:
            self.assertRegex(stage, r"(?m)^USER \d+")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
