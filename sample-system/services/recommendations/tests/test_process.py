"""The service as a process: over HTTP, from start to end, with auth played by this test."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from recommendations import routes, shelf
from recommendations.database import writing
from tests.support import ANNA, BEN, Case, Signer

TRACE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "baggage": "a=1"}


class Auth:
    """Publishes a key; answers when it is let."""

    def __init__(self) -> None:
        self.signer = Signer()
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = threading.Event()
        self.headers: dict[str, str] = {}
        auth = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                auth.headers = {name.lower(): value for name, value in self.headers.items()}
                auth.asked.set()
                auth.may_answer.wait(30)
                body = json.dumps({"keys": [auth.signer.jwk()]}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()


class ProcessTest(Case):
    def setUp(self) -> None:
        super().setUp()
        self.auth = Auth()
        self.addCleanup(self.auth.close)
        with socket.socket() as any_port:
            any_port.bind(("127.0.0.1", 0))
            self.port = any_port.getsockname()[1]
        self.variables = os.environ | {
            "LISTEN": f"127.0.0.1:{self.port}",
            "DATA_DIR": str(self.folder),
            # Nobody is there: the service does not wait for its broker.
            "KAFKA_BROKERS": "127.0.0.1:1",
            "AUTH_URL": self.auth.url,
        }

    def start(self) -> subprocess.Popen[str]:
        """Serves until the test ends; returns once it is ready."""
        # A file: a pipe that nobody reads is full after some hundred lines.
        self.log = self.folder / "log"
        with self.log.open("w") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "recommendations"],
                env=self.variables,
                stdout=log,
                text=True,
            )
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        deadline = time.monotonic() + 60
        check = [sys.executable, "-m", "recommendations", "healthcheck"]
        while subprocess.run(check, env=self.variables, stderr=subprocess.DEVNULL).returncode:
            self.assertIsNone(child.poll())
            self.assertLess(time.monotonic(), deadline)
        return child

    def stop(self, child: subprocess.Popen[str]) -> list[dict[str, object]]:
        """Its log, after it was asked to stop."""
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=60)
        out = self.log.read_text()
        self.assertEqual(child.returncode, 0, out)
        return [json.loads(line) for line in out.splitlines()]

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            said = answer.read().decode()
        finally:
            connection.close()
        is_json = "json" in (answer.headers["content-type"] or "")
        return answer.status, json.loads(said) if is_json else said, answer.headers

    def bearer(self) -> str:
        return f"Bearer {self.auth.signer.token(time.time())}"

    def test_an_account_is_shown_its_shelf_under_the_trace_that_it_sent(self) -> None:
        connection = self.open()
        with writing(connection):
            for account, sku in ((ANNA, "lamp"), (BEN, "lamp"), (BEN, "bulb"), (BEN, "cable")):
                shelf.learn(connection, account, sku)
        child = self.start()
        bulb, cable = {"sku": "bulb", "score": 1}, {"sku": "cable", "score": 1}
        status, said, _ = self.ask("/recommendations", authorization=self.bearer(), **TRACE)
        self.assertEqual((status, said), (200, {"items": [bulb, cable]}))
        self.assertEqual({name: self.auth.headers[name] for name in TRACE}, TRACE)
        status, said, _ = self.ask("/recommendations?limit=1", authorization=self.bearer())
        self.assertEqual((status, said), (200, {"items": [bulb]}))
        figures = self.ask("/metrics")[1]
        for line in (
            'http_requests_total{method="GET",route="/recommendations",status="200"} 2.0',
            'calls_total{outcome="ok",peer="auth"} 1.0',
            'resource_waiting{resource="reader"} 0.0',
        ):
            self.assertIn(line, figures)
        lines = [line for line in self.stop(child) if line["message"] == "answered"]
        wanted = TRACE | {"trace_id": TRACE["traceparent"].split("-")[1], "status": 200}
        self.assertEqual({name: lines[0].get(name) for name in wanted}, wanted)
        self.assertEqual(list(lines[0])[:4], ["time", "level", "service", "message"])
        # The second sent none, so a trace of its own began with it.
        self.assertRegex(lines[1]["trace_id"], "^[0-9a-f]{32}$")

    def test_errors_are_problems(self) -> None:
        child = self.start()
        for path, method, headers, wanted in (
            ("/recommendations", "GET", {}, 401),
            ("/recommendations?limit=0", "GET", {"authorization": self.bearer()}, 400),
            ("/recommendations?limit=51", "GET", {"authorization": self.bearer()}, 400),
            ("/recommendations?limit=many", "GET", {"authorization": self.bearer()}, 400),
            ("/recommendations", "POST", {}, 405),
            ("/recommendations", "GET", {"request_timeout_ms": "0"}, 504),
            ("/recommendations", "GET", {"request_timeout_ms": "1s"}, 400),
            ("/nothing", "GET", {}, 404),
            ("/docs", "GET", {}, 404),
        ):
            with self.subTest(path, method=method):
                status, said, answered = self.ask(path, method, **headers)
                self.assertEqual(status, wanted)
                self.assertEqual(answered["content-type"], "application/problem+json")
                self.assertEqual((said["status"], said["type"]), (wanted, "about:blank"))
                self.assertTrue(said["title"] and said["detail"])
        status, _, _ = self.ask("/recommendations", "GET", x_long="x" * 20_480)
        self.assertEqual(status, 431)
        # Whoever sends all of it before they read is answered too.
        status, _, _ = self.ask("/recommendations", "GET", b"x" * routes.DROPPED)
        self.assertEqual(status, 413)
        log = self.stop(child)
        self.assertNotIn("Bearer", json.dumps(log))
        self.assertFalse([line for line in log if line["level"] == "error"])

    def test_a_request_in_hand_is_answered_though_the_service_is_asked_to_stop(self) -> None:
        child = self.start()
        self.auth.may_answer.clear()
        answers = []
        asking = threading.Thread(
            target=lambda: answers.append(self.ask("/recommendations", authorization=self.bearer()))
        )
        asking.start()
        self.assertTrue(self.auth.asked.wait(30))
        child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", self.port)):
                    break
            self.assertLess(time.monotonic(), deadline)
        self.auth.may_answer.set()
        asking.join(30)
        self.assertEqual([answer[:2] for answer in answers], [(200, {"items": []})])
        self.assertEqual(child.wait(30), 0)

    def test_it_does_not_start_where_it_cannot_listen(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            serve = [sys.executable, "-m", "recommendations"]
            done = subprocess.run(serve, env=self.variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"cannot listen at 127.0.0.1:{self.port}", done.stderr)

    def test_more_at_once_than_it_takes_is_told_to_come_again(self) -> None:
        child = self.start()
        self.auth.may_answer.clear()
        asking = []
        for _ in range(routes.AT_ONCE + 1):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("GET", "/recommendations", headers={"Authorization": self.bearer()})
            asking.append(connection)
        status, said, answered = self.ask("/recommendations", authorization=self.bearer())
        self.assertEqual((status, said["status"], answered["retry-after"]), (503, 503, "1"))
        self.assertEqual(self.ask("/readyz")[0], 200)
        self.auth.may_answer.set()
        answers = [connection.getresponse().status for connection in asking]
        self.assertEqual((answers.count(200), answers.count(503)), (routes.AT_ONCE, 1))
        for connection in asking:
            connection.close()
        self.stop(child)

    def test_who_connects_and_asks_nothing_is_ended(self) -> None:
        child = self.start()
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as silent:
            self.assertEqual(silent.recv(1), b"")
        self.assertIn('connections_ended_total{why="head"} 1.0', self.ask("/metrics")[1])
        self.stop(child)

    def test_a_seeded_bug_is_told_at_start(self) -> None:
        self.variables |= {"TEST_MODE": "on", "SEEDED_BUGS": "no-dedup,no-refund"}
        told = [line for line in self.stop(self.start()) if line["level"] == "warn"]
        self.assertEqual([line.get("bug") for line in told if "bug" in line], ["no-dedup"])
