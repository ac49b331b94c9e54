import { fetchStatus, type Status } from "./api";
import { useLoaded } from "./hooks";

export function Release() {
  const status = useLoaded(fetchStatus);
  return (
    <section className="release" aria-labelledby="release-title" aria-busy={status.state === "loading"}>
      <h2 id="release-title">Running release</h2>
      {status.state === "loading" && <p>Asking the backend…</p>}
      {status.state === "failed" && <p role="alert">No status: {status.message}.</p>}
      {status.state === "ready" && <Facts status={status.value} />}
    </section>
  );
}

function Facts({ status }: { status: Status }) {
  const { database, cache, worker } = status;
  return (
    <>
      <dl>
        <div>
          <dt>Version</dt>
          <dd data-testid="version">{status.version}</dd>
        </div>
        <div>
          <dt>Image</dt>
          <dd data-testid="digest">{status.image_digest ?? "not named by digest"}</dd>
        </div>
      </dl>
      <ul className="checks" aria-label="Parts">
        <Check name="Database" ok={database.ok}>
          {database.version && `PostgreSQL ${database.version}`}
        </Check>
        <Check name="Migrations" ok={database.migrations?.pending === 0}>
          {database.migrations && `${String(database.migrations.applied)} applied, ${String(database.migrations.pending)} pending`}
        </Check>
        <Check name="Cache" ok={cache.ok} />
        <Check name="Worker" ok={worker.ok} />
      </ul>
    </>
  );
}

function Check({ name, ok, children }: { name: string; ok: boolean; children?: string | null }) {
  return (
    <li className={ok ? "ok" : "bad"} data-testid={`check-${name.toLowerCase()}`}>
      <strong>{name}</strong> <span>{ok ? "works" : "needs attention"}</span>
      {children && <small>{children}</small>}
    </li>
  );
}
