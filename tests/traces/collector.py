#!/usr/bin/env python3
"""A small OTLP/HTTP collector for tests: takes spans in JSON, checks their form strictly, and appends them to a file, one a line.

    collector.py PORT FILE [--be slow|unavailable|refusing|rubbish|endless|deaf] [--token TOKEN]

What is not as it must be is appended to FILE.wrong."""
import argparse
import http.server
import json
import threading
import time

import otlp_form

lock = threading.Lock()
seen = {"requests": 0}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"{}", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def wrong(self, words):
        with lock, open(self.server.file + ".wrong", "a", encoding="utf-8") as file:
            file.write(words + "\n")
        self.answer(400)

    def take(self, body):
        token = self.server.token
        if token and self.headers.get("Authorization") != "Bearer " + token:
            self.answer(401)
            return
        if self.path != "/v1/traces" or self.headers.get("Content-Type") != "application/json":
            self.wrong(f"{self.path} {self.headers.get('Content-Type')}")
            return
        try:
            spans = otlp_form.spans_of(json.loads(body))
        except (otlp_form.Wrong, ValueError) as error:
            self.wrong(str(error))
            return
        with lock, open(self.server.file, "a", encoding="utf-8") as file:
            for span in spans:
                file.write(json.dumps(span) + "\n")
        self.answer(200)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            seen["requests"] += 1
            count = seen["requests"]
        be = self.server.be
        if be == "slow":
            time.sleep(2)
            self.take(body)
        elif be == "unavailable" and count % 2:
            self.answer(503, b"{}", [("Retry-After", "1")])
        elif be == "refusing":
            self.answer(400, b'{"message":"no"}')
        elif be == "rubbish":
            self.wfile.write(b"\x00\xffnothing of HTTP\r\n\r\n" * 100)
            self.close_connection = True
        elif be == "endless":
            self.send_response(200)
            self.end_headers()
            while True:
                self.wfile.write(b"x" * 65536)
        elif be == "deaf":
            time.sleep(3600)
        else:
            self.take(body)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file")
    parser.add_argument("--be", default="good")
    parser.add_argument("--token")
    given = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.daemon_threads = True
    server.file, server.be, server.token = given.file, given.be, given.token
    server.serve_forever()


if __name__ == "__main__":
    main()
