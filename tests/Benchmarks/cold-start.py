#!/usr/bin/env python3
"""Cold and warm figures of `troupe serve`, one build after another, each pinned to core 0 and its one client to core 1.

    tests/Benchmarks/cold-start.py NAME=COMMAND...      e.g. native=artifacts/native/troupe jit="dotnet artifacts/bin/Hosting/release/troupe.dll"

    tests/Benchmarks/cold-start.py --side-by-side NAME=COMMAND

Prints a table: from exec to ready (five starts in turn), requests per second and p99 in seconds 1 to 5, 6 to 15 and for ten seconds after
the first minute, CPU of the server per request there, and what is resident then. The client sends one request after another on one
connection: the classifier on a picture, as binary tensors.

Side by side: a server that has served a minute and one that was just started are asked in turn, a quarter of a second each, so that a
machine that is now fast and now slow is so for both; printed is the young one's rate in its first five seconds of work as a share of the
old one's, for ten young ones.
"""
import json, os, shlex, signal, socket, statistics, subprocess, sys, time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
MODELS = os.path.join(ROOT, "Hosting", "Samples", "models")
CLOCK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(command):
    port = free_port()
    arguments = ["taskset", "-c", "0", *shlex.split(command), "serve", "--models", MODELS, "--load", "fmnist", "--http", f"127.0.0.1:{port}",
                 "--cluster", "off", "--metrics", "off", "--devices", "emulated:1", *EXTRA]
    begun = time.perf_counter()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                connection.sendall(b"GET /v2/health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return process, port, time.perf_counter() - begun
        except OSError:
            pass
        if process.poll() is not None:
            sys.exit(f"'{command}' ended with {process.returncode}")
        time.sleep(0.002)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def request():
    tensor = bytes(4 * 784)
    head = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "parameters": {"binary_data_size": len(tensor)}}],
                       "outputs": [{"name": "logits", "parameters": {"binary_data": True}}]}).encode()
    return (f"POST /v2/models/fmnist/infer HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: {len(head)}\r\n"
            f"Content-Length: {len(head) + len(tensor)}\r\n\r\n").encode() + head + tensor


def ask(connection, bytes_sent):
    connection.sendall(bytes_sent)
    answer = b""
    while True:
        answer += connection.recv(65536)
        head = answer.find(b"\r\n\r\n")
        if head >= 0:
            fields = answer[:head].lower()
            if not answer.startswith(b"HTTP/1.1 200"):
                sys.exit(answer.decode(errors="replace"))
            length = int(fields.split(b"content-length:")[1].split(b"\r\n")[0])
            if len(answer) >= head + 4 + length:
                return


def cpu(process):
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK


def load(process, port):
    rows = []
    sent = request()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begun = time.perf_counter()
        for first, last in ((0, 5), (5, 15), (60, 70)):
            while time.perf_counter() - begun < first:
                ask(connection, sent)
            times, before = [], cpu(process)
            while (now := time.perf_counter()) - begun < last:
                ask(connection, sent)
                times.append(time.perf_counter() - now)
            times.sort()
            rows.append((len(times) / (last - first), times[len(times) * 99 // 100] * 1e3, (cpu(process) - before) / len(times) * 1e6))
    resident = next(line for line in open(f"/proc/{process.pid}/status") if line.startswith("VmRSS")).split()[1]
    return rows, int(resident) / 1024


def side_by_side(name, command):
    sent = request()

    def count(connection, seconds):
        begun, requests = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            ask(connection, sent)
            requests += 1
        return requests

    old, port, _ = start(command)
    shares = []
    with socket.create_connection(("127.0.0.1", port)) as warm:
        warm.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        count(warm, 60)
        for _ in range(10):
            young, port, _ = start(command)
            with socket.create_connection(("127.0.0.1", port)) as cold:
                cold.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pairs = [(count(cold, 0.25), count(warm, 0.25)) for _ in range(20)]
            stop(young)
            shares.append(sum(c for c, _ in pairs) / sum(w for _, w in pairs))
            seconds = " ".join(f"{sum(c for c, _ in pairs[i:i + 4]) / sum(w for _, w in pairs[i:i + 4]):.2f}" for i in range(0, 20, 4))
            print(f"{name}: {shares[-1]:.2f} (by second: {seconds})", flush=True)
    stop(old)
    print(f"{name}: first five seconds at {statistics.median(shares):.2f} of a server that is warm ({min(shares):.2f} to {max(shares):.2f})")


SIDE = "--side-by-side" in sys.argv
EXTRA = [argument for argument in sys.argv[1:] if argument.startswith("--") and argument != "--side-by-side"]
builds = [argument.split("=", 1) for argument in sys.argv[1:] if not argument.startswith("--")]
os.sched_setaffinity(0, {1})
if SIDE:
    for name, command in builds:
        side_by_side(name, command)
    sys.exit()
ready = {name: [] for name, _ in builds}
for _ in range(5):
    for name, command in builds:
        process, _, took = start(command)
        ready[name].append(took)
        stop(process)
print("| build | exec to ready | s 1-5 | p99 | s 6-15 | p99 | after 60 s | p99 | CPU a request | resident |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
for name, command in builds:
    process, port, _ = start(command)
    (a, b, c), resident = load(process, port)
    stop(process)
    print(f"| {name} | {statistics.median(ready[name]):.2f} s ({min(ready[name]):.2f} to {max(ready[name]):.2f}) | {a[0]:.0f}/s | {a[1]:.2f} ms | {b[0]:.0f}/s | {b[1]:.2f} ms "
          f"| {c[0]:.0f}/s | {c[1]:.2f} ms | {c[2]:.0f} µs | {resident:.0f} MB |", flush=True)
