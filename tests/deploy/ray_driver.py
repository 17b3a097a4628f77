"""A Ray cluster of one machine, told what to do by lines of standard input: for tests.

`deploy {…}` deploys `rasr.deploy.ray` with these arguments and waits until nothing else runs,
`begin {…}` does not wait; `until {"RUNNING": 2}` waits until the replicas are in these states. Each
is answered by the same line when it is done.
"""

from __future__ import annotations

import json
import sys
import threading

import ray
from ray import serve

from rasr.deploy.ray import application

NAME = "rasr"
_LOOK_S = 0.1


def _replicas() -> dict[str, int]:
    deployment = serve.status().applications[NAME].deployments[NAME]
    return {str(state): count for state, count in deployment.replica_states.items()}


def main() -> None:
    """Run a cluster with Serve at a port, until the end of standard input."""
    port = int(sys.argv[1])
    # More cores than this machine may have: what Ray reckons with is not what a server takes.
    ray.init(num_cpus=8, include_dashboard=False, logging_level="WARNING")
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    for line in sys.stdin:
        word, _, rest = line.partition(" ")
        told = json.loads(rest)
        if word == "until":
            while _replicas() != told:
                threading.Event().wait(_LOOK_S)
        else:
            target = serve.RunTarget(application(told), name=NAME, route_prefix="/")
            serve.run_many([target], wait_for_applications_running=word == "deploy")
        sys.stdout.write(line)
        sys.stdout.flush()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
