"""Code from API calls runs on this machine only in Node, without access to files, processes and variables."""

from __future__ import annotations

import pytest
from ministack.core import cloudfront_js, node_pool

from localcloud.host_processes import Subprocess
from localcloud.testing.plain import Plain, plain, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local

# `vm` is not a sandbox: through the constructor of a host object, code can reach `process`.
ESCAPE = """
function handler(event) {
  const process = console.constructor.constructor("return process")();
  const attempt = work => { try { return String(work()); } catch (error) { return error.code; } };
  return [
    Object.keys(process.env).join(),
    attempt(() => process.getBuiltinModule("fs").readFileSync("/etc/hostname", "utf8")),
    attempt(() => process.getBuiltinModule("child_process").execSync("id")),
  ];
}
"""


def test_a_cloudfront_function_cannot_read_variables_or_files_or_start_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(node_pool, "subprocess", Subprocess())
    cloudfront_js.reset()
    assert cloudfront_js.evaluate(ESCAPE.encode(), {}) == ["PATH", "ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"]
    cloudfront_js.reset()


def test_a_glue_job_does_not_run(plain: Plain) -> None:
    glue, name, s3, bucket = plain.client("glue"), unique("job"), plain.client("s3"), unique("scripts")
    s3.create_bucket(Bucket=bucket)
    mark = plain.state / name
    s3.put_object(Bucket=bucket, Key="job.py", Body=f"open({str(mark)!r}, 'w')".encode())
    role = plain.role(unique("glue"))
    glue.create_job(Name=name, Role=role, Command={"Name": "pythonshell", "ScriptLocation": f"s3://{bucket}/job.py"})
    run = glue.start_job_run(JobName=name)["JobRunId"]
    while (state := glue.get_job_run(JobName=name, RunId=run)["JobRun"])["JobRunState"] in {"STARTING", "RUNNING"}:
        pass
    assert not mark.exists()
    assert state["JobRunState"] != "RUNNING"
