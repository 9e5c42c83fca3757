#!/usr/bin/env python3
"""What a Triton repository of thirty models costs a node: CPU until it is ready, and memory after many requests.

    tests/Benchmarks/golden-repository.py COMMAND [REQUESTS]        e.g. artifacts/native/troupe 10000

Serves the recorded server's repository (tests/Hosting.Tests/Golden) with the models that it had loaded, five starts in turn; then sends the
requests to the last node, one after another on one connection, over four of its models in turn.
"""
import http.client, json, os, shlex, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
GOLDEN = os.path.join(ROOT, "tests", "Hosting.Tests", "Golden", "models")
CLOCK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK


def resident_mib(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key + ":")) / 1024


def start(command, folder, names):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loads = [word for name in names for word in ("--load", name)]
    process = subprocess.Popen([*shlex.split(command), "serve", "--models", folder, *loads, "--http", f"127.0.0.1:{port}", "--cluster", "off",
                                "--metrics", "off", "--devices", "emulated:1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = time.perf_counter()
    while time.perf_counter() - begun < 120:
        if process.poll() is not None:
            sys.exit(f"'{command}' ended with {process.returncode}")
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v2/health/ready")
            answer = connection.getresponse()
            answer.read()
            if answer.status == 200:
                return process, port, cpu_seconds(process.pid), time.perf_counter() - begun
        except OSError:
            pass
        time.sleep(0.005)
    process.kill()
    sys.exit("not ready within two minutes")


def bodies():
    sixteen = {"datatype": "INT32", "shape": [1, 16], "data": list(range(16))}
    strings = {"datatype": "BYTES", "shape": [1, 16], "data": [str(one) for one in range(16)]}
    picture = {"name": "image", "datatype": "FP32", "shape": [1, 1, 28, 28], "data": [0.5] * 784}
    return [("simple", {"inputs": [{"name": "INPUT0", **sixteen}, {"name": "INPUT1", **sixteen}]}),
            ("simple_string", {"inputs": [{"name": "INPUT0", **strings}, {"name": "INPUT1", **strings}]}),
            ("simple_identity", {"inputs": [{"name": "INPUT0", **strings}]}),
            ("fmnist", {"inputs": [picture]})]


def main():
    command, requests = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    names = open(os.path.join(GOLDEN, "loaded_at_start.txt")).read().split()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(GOLDEN, "repo"), folder, dirs_exist_ok=True)
        shutil.copytree(os.path.join(ROOT, "Hosting", "Samples", "models", "fmnist"), os.path.join(folder, "fmnist"), dirs_exist_ok=True)
        costs = []
        for turn in range(5):
            process, port, cpu, wall = start(command, folder, names)
            costs.append((cpu, wall))
            if turn < 4:
                process.send_signal(signal.SIGTERM)
                process.wait(60)
        try:
            print(f"ready: {statistics.median(cpu for cpu, _ in costs):.2f} s of CPU ({min(c for c, _ in costs):.2f} to {max(c for c, _ in costs):.2f}), "
                  f"{statistics.median(wall for _, wall in costs):.2f} s on the clock; {resident_mib(process.pid):.0f} MiB resident")
            connection = http.client.HTTPConnection("127.0.0.1", port)
            calls = [(name, json.dumps(body)) for name, body in bodies()]
            for number in range(requests):
                name, body = calls[number % len(calls)]
                connection.request("POST", f"/v2/models/{name}/infer", body)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    sys.exit(f"{name}: {answer.status} {text[:300]}")
            print(f"after {requests} requests: {resident_mib(process.pid):.0f} MiB resident, {resident_mib(process.pid, 'VmHWM'):.0f} MiB at most")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


main()
