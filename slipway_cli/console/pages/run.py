"""The page of a run: its origin, approvals and failures, graph, log, and timing."""

from __future__ import annotations

from botocore.exceptions import ClientError

from localcloud.markup import Html, fill, join, link
from slipway_cli.console import view
from slipway_cli.console.builds import Build, Report
from slipway_cli.console.logs import Log, plain
from slipway_cli.console.masking import masked
from slipway_cli.console.pages.graph import graph, times
from slipway_cli.console.pages.layout import page
from slipway_cli.console.pages.words import badge, commit, lasting, moment, rollback, spoken, title, word
from slipway_cli.console.web import Console, Reply, Request, at
from slipway_cli.runs import Action, Attempt, Run, Stage


def of_run(console: Console, request: Request, region: str, pipeline: str, identifier: str) -> Reply:
    """Returns the page of a run."""
    run = console.pipelines.run(region, pipeline, identifier)
    chosen = selected(run, request)
    builds = console.builds.of(run)
    body = fill(
        '<div id="head">{head}</div><div id="notices">{notices}</div><div id="graph">{graph}</div>'
        '<div id="selected">{log}</div>{times}{stop}',
        head=_head(console, region, run, builds),
        notices=_notices(console, region, run),
        graph=graph(console, region, run, chosen),
        log=_selected(console, region, run, chosen, builds),
        times=times(console, run),
        stop=_stop(console, region, run),
    )
    name = title(run)
    trail = ((pipeline, f"/{pipeline}/view"), (identifier[:8], f"/{pipeline}/executions/{identifier}/visualization"))
    heading = f"{word(run.state)}: {name}, {pipeline}"
    return page(console, heading, body, region=region, trail=trail, active=run.entry.active)


def selected(run: Run, request: Request) -> Action | None:
    """Returns the requested action, else the first failed one, else the one that began last."""
    action = run.action(request.query.get("stage", ""), request.query.get("action", ""))
    if action or request.query.get("action"):
        return action
    begun = [
        (action.newest.started, action) for action in run.actions if action.newest and action.category != "Approval"
    ]
    newest = max(begun, key=lambda pair: pair[0])[1] if begun else None
    first = next(iter(run.failed), None)
    return run.action(first.stage, first.action) if first else newest


# --- origin ----------------------------------------------------------------------------------------------------------


def _head(console: Console, region: str, run: Run, builds: dict[str, Build]) -> Html:
    entry = run.entry
    shown = [
        masked(view.branch(run)),
        commit(console, run),
        masked(run.author),
        f"{run.mode.lower()} mode" if run.mode else "",
        f"started by {entry.trigger}" if entry.trigger else "",
        moment(entry.started),
        lasting(entry.started, run.seconds(console.now()), over=not entry.active),
    ]
    summary = fill("<p>{text}</p>", text=masked(entry.summary)) if entry.summary and not run.failed else ""
    return fill(
        '<h1>{title}</h1><div class="row"><span role="status">{badge}</span>{rollback}{facts}</div>{summary}{links}',
        title=title(run),
        badge=badge(run.state),
        rollback=_rolled_back(region, run),
        facts=[fill('<span class="quiet">{fact}</span>', fact=fact) for fact in shown if fact],
        summary=summary,
        links=_links(region, run, builds),
    )


def _rolled_back(region: str, run: Run) -> Html:
    path = f"/{run.pipeline}/executions/{run.entry.target}/visualization"
    return link(at(path, region=region), rollback(run)) if run.entry.target else rollback(run)


def _links(region: str, run: Run, builds: dict[str, Build]) -> Html:
    path = f"/{run.pipeline}/executions/{run.entry.id}/visualization"
    found = [fill("{stage}: {url}", stage=stage, url=link(url, masked(url))) for stage, url in view.environments(run)]
    name, address = view.release(run), view.release_page(run)
    if name or address:
        name = name or "release"
        found.append(fill("Release: {release}", release=link(address, name) if address else name))
    for action in run.actions:
        build = builds.get(action.newest.reference) if action.newest else None
        for report in build.reports if build else ():
            to = at(path, region=region, stage=action.stage, action=action.name) + "#selected"
            found.append(link(to, f"{action.label}: {tests(report)}"))
    return (
        fill('<p class="row">{links}</p>', links=[fill("<span>{line}</span>", line=line) for line in found])
        if found
        else Html("")
    )


def tests(report: Report) -> str:
    """Returns a summary of a report."""
    if not report.total:
        return "no tests"
    skipped = report.counts.get("SKIPPED", 0)
    parts = (f"{report.wrong} of {report.total} tests failed" if report.wrong else f"{report.total} tests passed",)
    if skipped and not report.wrong:
        parts = (f"{report.total - skipped} tests passed, {skipped} skipped",)
    return parts[0]


# --- approvals and failures ------------------------------------------------------------------------------------------


def _notices(console: Console, region: str, run: Run) -> Html:
    boxes = [_approval(console, region, run, step) for step in run.waiting]
    boxes += [_failure(step) for step in run.failed]
    boxes += [_retry(console, region, run, stage) for stage in run.stages if stage.retryable and console.actions]
    boxes += [
        fill('<div class="box wait">Waits to enter {stage}: another run is in it.</div>', stage=stage.name)
        for stage in run.stages
        if stage.queued and not stage.closed
    ]
    return join(boxes)


def _failure(step: Attempt) -> Html:
    return fill(
        '<section class="box bad"><h2>{label} failed</h2><pre tabindex="0">{reason}</pre>{by}</section>',
        label=step.name,
        reason=masked(step.reason or step.summary or "CodePipeline gave no reason."),
        by=_outside(step.url),
    )


def _outside(url: str) -> Html:
    return fill("<p>{link}</p>", link=link(url, "Log in AWS's console")) if url.startswith("https://") else Html("")


def _form(console: Console, region: str, run: Run, verb: str, fields: Html) -> Html:
    return fill(
        '<form method="post" action="{to}"><input type="hidden" name="key" value="{key}">{fields}</form>',
        to=at(f"/{run.pipeline}/executions/{run.entry.id}/{verb}", region=region),
        key=console.key,
        fields=fields,
    )


def _approval(console: Console, region: str, run: Run, step: Attempt) -> Html:
    fields = fill(
        '<input type="hidden" name="stage" value="{stage}"><input type="hidden" name="action" value="{action}">'
        '<label>Comment (needed to reject) <textarea name="comment" rows="2" maxlength="512"></textarea></label>'
        '<div class="row"><button class="yes" name="answer" value="Approved">Approve</button>'
        '<button class="no" name="answer" value="Rejected">Reject</button></div>',
        stage=step.stage,
        action=step.action,
    )
    return fill(
        '<section class="box wait" id="ask-{stage}-{action}"><h2>{label} waits for approval</h2>'
        "{asks}{look}{form}</section>",
        stage=step.stage,
        action=step.action,
        label=step.name,
        asks=fill("<p>{question}</p>", question=masked(step.asks)) if step.asks else "",
        look=fill("<p>Look at {link}</p>", link=link(step.look, step.look)) if step.look else "",
        form=_form(console, region, run, "answer", fields) if console.actions else "",
    )


def _retry(console: Console, region: str, run: Run, stage: Stage) -> Html:
    fields = fill(
        '<input type="hidden" name="stage" value="{stage}"><button>Retry the failed actions of {stage}</button>',
        stage=stage.name,
    )
    return _form(console, region, run, "retry", fields)


def _stop(console: Console, region: str, run: Run) -> Html:
    if not console.actions or not run.entry.active:
        return Html("")
    fields = Html(
        '<label>Reason <input type="text" name="reason" maxlength="200"></label><label class="check">'
        '<input type="checkbox" name="abandon" value="yes"> Abandon the actions in progress</label>'
        '<button class="no">Stop</button>'
    )
    form = _form(console, region, run, "stop", fields)
    return fill('<details id="stop"><summary>Stop this run</summary>{form}</details>', form=form)


# --- the log ---------------------------------------------------------------------------------------------------------


def _selected(console: Console, region: str, run: Run, action: Action | None, builds: dict[str, Build]) -> Html:
    if action is None:
        return Html("")
    newest = action.newest
    build = builds.get(newest.reference) if newest else None
    return fill(
        '<h2>{label}</h2><div class="row">{badge}{summary}</div>{subject}{tests}{log}',
        label=action.label,
        badge=badge(action.state),
        summary=fill("<span>{text}</span>", text=plain(newest.summary)) if newest and newest.summary else "",
        subject=fill('<p class="quiet">{text}</p>', text=_what(action)),
        tests=[_report(report) for report in build.reports] if build else "",
        log=_log(console, region, run, action) if newest else "",
    )


def _what(action: Action) -> str:
    newest = action.newest
    before = [f"attempt {number} {word(attempt.status).lower()} after {spoken(attempt.seconds(attempt.updated))}"
              for number, attempt in enumerate(action.attempts[:-1], 1)]  # fmt: skip
    subject = newest.subject if newest else ""
    by = f"answered by {newest.by}" if newest and newest.by and action.category == "Approval" else ""
    return ", ".join(text for text in (f"{action.provider} {subject}".strip(), by, *before) if text)


def _report(report: Report) -> Html:
    cases = [
        fill(
            '<details><summary>✗ {name}</summary><pre tabindex="0">{why}</pre></details>',
            name=masked(name),
            why=plain_text(why),
        )
        for name, why in report.failures
    ]
    return fill(
        "<section><p>Report {name}: {result}</p>{cases}</section>", name=report.name, result=tests(report), cases=cases
    )


def plain_text(text: str) -> str:
    """Returns several lines without keys and terminal escapes."""
    return "\n".join(plain(line) for line in text.splitlines())


def _log(console: Console, region: str, run: Run, action: Action) -> Html:
    newest = action.newest
    try:
        log = console.logs.read(newest, now=console.now()) if newest else None
    except ClientError as error:
        return fill('<p class="bad">The log cannot be read: {error}</p>', error=masked(str(error)))
    if log is None or newest is None:
        return Html("")
    path = f"/{run.pipeline}/executions/{run.entry.id}"
    names = {"region": region, "stage": action.stage, "action": action.name, "attempt": newest.id}
    return fill(
        '<h3>{title}</h3>{earlier}<pre id="log" role="log" tabindex="0" aria-label="Log of {label}" data-keep="{keep}" '
        'data-cursor="{cursor}" data-over="{over}">{lines}</pre><p id="nolog" class="quiet">{none}</p>',
        title=log.title,
        earlier=fill("<p>{link}</p>", link=link(at(f"{path}/log.txt", **names), "The whole log"))
        if log.earlier
        else "",
        label=action.label,
        keep=at(f"{path}/log", **names),
        cursor=log.cursor,
        over="yes" if log.over else "",
        lines=[
            fill('<span title="{at}">{text}\n</span>', at=line.at.isoformat(), text=line.text) for line in log.lines
        ],
        none="" if log.lines else "No line yet." if not log.over else "The action wrote no lines.",
    )


def following(log: Log) -> dict[str, object]:
    """Returns lines of a log for the script."""
    lines = [(line.at.isoformat(), line.text) for line in log.lines]
    return {"lines": lines, "cursor": log.cursor, "over": log.over}
