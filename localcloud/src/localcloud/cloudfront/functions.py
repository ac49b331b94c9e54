"""Key value stores in CloudFront functions: `import cf from 'cloudfront'` and `cf.kvs()`, which MiniStack lacks.

A function cannot call back into the cloud, so its worker gets the pairs of its store with each request.
"""

from __future__ import annotations

from typing import Any

from ministack.core import cloudfront_js, node_pool
from ministack.services import cloudfront, cloudfront_keyvaluestore

SYMBOLS: tuple[str, ...] = (
    "ministack.core.cloudfront_js:_EVAL_TIMEOUT",
    "ministack.core.cloudfront_js:_MAX_IDLE",
    "ministack.core.cloudfront_js:_MAX_OLD_SPACE_MB",
    "ministack.core.cloudfront_js:_RECYCLE_AFTER",
    "ministack.core.cloudfront_js:_WORKER_SCRIPT",
    "ministack.core.cloudfront_js:_pool",
    "ministack.core.cloudfront_js:logger",
    "ministack.core.node_pool:NodeWorkerPool",
    "ministack.services.cloudfront:_function_view",
    "ministack.services.cloudfront:_functions",
    "ministack.services.cloudfront:_run_function",
    "ministack.services.cloudfront_keyvaluestore:_stores",
)

# CloudFront Developer Guide, "Helper methods for key value stores", read on 2026-11-30.
_MODULE = """
let _pairs = null;
_ALLOWED_MODULES.cloudfront = {
  kvs() {
    if (_pairs === null) throw new Error('the function has no key value store');
    const pairs = _pairs;
    const has = (key) => Object.prototype.hasOwnProperty.call(pairs, key);
    return {
      exists: async (key) => has(key),
      get: async (key, options) => {
        if (!has(key)) throw new Error('KeyNotFound');
        const format = (options && options.format) || 'string';
        return format === 'json' ? JSON.parse(pairs[key]) : format === 'bytes' ? Buffer.from(pairs[key]) : pairs[key];
      },
      count: async () => Object.keys(pairs).length,
      meta: async () => ({ keyCount: Object.keys(pairs).length }),
    };
  },
};
"""
_MODULES_END, _REQUEST = "buffer: bufferModule };\n", "const { code, event } = req;"
_PAIRS = "localcloud_pairs"


def pairs(function_arn: str) -> dict[str, str] | None:
    """Returns the pairs of a published function's store; None if it has no store."""
    name = function_arn.rpartition("/")[2]
    function = cloudfront._functions.get(name)
    arns = cloudfront._function_view(function, "LIVE").get("kvs_arns", []) if function else []
    if not arns:
        return None
    return dict((cloudfront_keyvaluestore._stores.get(arns[0]) or {}).get("items", {}))


def install() -> None:
    """Give the workers of functions the module, and each run the pairs of its store."""
    script = cloudfront_js._WORKER_SCRIPT
    for text, more in (
        (_MODULES_END, _MODULE),
        (_REQUEST, f" _pairs = event.{_PAIRS} || null; delete event.{_PAIRS};"),
    ):
        if script.count(text) != 1:
            raise LookupError(f"MiniStack's worker of CloudFront functions has no {text!r}")
        script = script.replace(text, text + more)
    cloudfront_js._pool = node_pool.NodeWorkerPool(
        script,
        log_prefix="cloudfront-js",
        logger=cloudfront_js.logger,
        timeout=cloudfront_js._EVAL_TIMEOUT,
        max_old_space_mb=cloudfront_js._MAX_OLD_SPACE_MB,
        recycle_after=cloudfront_js._RECYCLE_AFTER,
        max_idle=cloudfront_js._MAX_IDLE,
    )
    original = cloudfront._run_function

    async def running(function_arn: str, event: dict[str, Any]) -> Any:
        found = pairs(function_arn)
        return await original(function_arn, event if found is None else {**event, _PAIRS: found})

    cloudfront._run_function = running
