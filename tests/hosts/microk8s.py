"""A `microk8s` for tests of the host's program: it keeps objects in a file, and rolls deployments out at once.

A pod becomes ready unless the digest of its image is among the faults; a Job runs with the exit code of the faults.
"""

from __future__ import annotations

MICROK8S = """\
import zlib
words = sys.argv[1:]
assert words[0] == "kubectl", words
with (folder / "calls").open("a") as log:
    log.write("microk8s " + " ".join(words) + "\\n")
words = [word for word in words[1:] if not word.startswith("--namespace=")]
path = folder / "cluster.json"
known = json.loads(path.read_text()) if path.exists() else {}
faults = json.loads((folder / "cluster-faults").read_text()) if (folder / "cluster-faults").exists() else {}
key = lambda part: part["kind"] + "/" + part["metadata"]["name"]
plain = [word for word in words if not word.startswith("-")]
options = dict(word.lstrip("-").split("=", 1) for word in words if word.startswith("--") and "=" in word)

def pods(deployment):
    template = deployment["spec"]["template"]
    sha = f"{zlib.crc32(json.dumps(template).encode()):08x}"
    made = []
    for number in range(deployment["spec"].get("replicas", 1)):
        statuses = []
        for container in template["spec"]["containers"]:
            bad = faults.get("never ready", "none") in container["image"]
            state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}} if bad else {"running": {}}
            statuses.append({"name": container["name"], "ready": not bad, "restartCount": 3 if bad else 0,
                             "state": state, "imageID": container["image"]})
        ready = all(status["ready"] for status in statuses)
        made.append({"kind": "Pod", "metadata": {"name": f"{deployment['metadata']['name']}-{sha}-{number}"},
                     "spec": template["spec"],
                     "status": {"phase": "Running", "containerStatuses": statuses,
                                "conditions": [{"type": "Ready", "status": str(ready)}]}})
    return made

def job_pods(job):
    code = int(faults.get("migration", 0))
    container = job["spec"]["template"]["spec"]["containers"][0]
    ended = {"exitCode": code, "reason": "Error" if code else "Completed"}
    return [{"kind": "Pod", "metadata": {"name": job["metadata"]["name"] + "-x"}, "spec": {"containers": [container]},
             "status": {"phase": "Failed" if code else "Succeeded",
                        "containerStatuses": [{"name": container["name"], "state": {"terminated": ended}}]}}]

if plain[0] == "apply":
    for part in json.load(sys.stdin)["items"]:
        if faults.get("refused") == key(part):
            sys.exit(f"Error from server (Invalid): {key(part)} is invalid: spec.replicas: Invalid value {part}")
        old = known.get(key(part))
        if old and old.get("immutable") and old["data"] != part["data"]:
            sys.exit(f"Error from server: {key(part)} is immutable")
        if "--dry-run=server" not in words:
            known[key(part)] = part
        print(f"{key(part).lower()} " + ("unchanged" if old == part else "configured" if old else "created"))
    path.write_text(json.dumps(known))
elif plain[0] == "rollout":
    deployment = known["Deployment/" + plain[2].partition("/")[2]]
    if any(condition["status"] != "True" for pod in pods(deployment) for condition in pod["status"]["conditions"]):
        sys.exit("error: timed out waiting for the condition")
    print("successfully rolled out")
elif plain[0] == "get":
    kinds = {"deployment": "Deployment", "jobs": "Job", "job": "Job", "configmap": "ConfigMap", "secret": "Secret"}
    names = [word for word in plain[2:] if word != "json"]
    if plain[1] == "pods":
        found = [pod for part in known.values() if part["kind"] == "Deployment" for pod in pods(part)]
        if "job-name" in options.get("selector", ""):
            found = job_pods(known["Job/" + options["selector"].partition("=")[2]])
    elif plain[1] == "events":
        found = [{"reason": "BackOff", "message": "Back-off restarting failed container"}]
    else:
        wanted = [kinds[kind] for kind in plain[1].split(",")]
        found = [part for part in known.values() if part["kind"] in wanted]
        labels = dict(pair.split("=") for pair in options.get("selector", "").split(",") if pair)
        found = [part for part in found if labels.items() <= part["metadata"].get("labels", {}).items()]
        for part in found:
            if part["kind"] == "Job":
                part["status"] = {"failed": 1} if faults.get("migration") else {"succeeded": 1}
    if names:
        found = [part for part in found if part["metadata"]["name"] in names]
        print(json.dumps(found[0]) if found else "")
    else:
        print(json.dumps({"items": found}))
elif plain[0] == "delete":
    for name in plain[1:]:
        for gone in [key for key in known if key.lower() == name]:
            del known[gone]
            print(f"{name} deleted")
    path.write_text(json.dumps(known))
elif plain[0] == "logs":
    print(f"the log of {plain[1]}\\n" * min(int(faults.get("log lines", 1)), int(options["tail"])))
else:
    sys.exit(f"unexpected: {words}")
"""
