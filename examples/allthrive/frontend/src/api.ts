/** The client of the backend. URLs have no host: in every environment one origin serves page and API. */

export interface Status {
  ok: boolean;
  version: string;
  image_digest: string | null;
  database: { ok: boolean; version: string | null; migrations: { applied: number; pending: number } | null };
  cache: { ok: boolean };
  worker: { ok: boolean; heartbeat: string | null };
}

export interface Topic {
  slug: string;
  name: string;
  description: string;
}

export interface WordCount {
  words: number;
  characters: number;
}

interface Task {
  id: string;
  state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED";
  result: WordCount | null;
}

const UNFINISHED = new Set<Task["state"]>(["PENDING", "STARTED", "RETRY"]);
const POLL_MS = 300;

/** An unhealthy backend answers 503 with the same body, and the page shows it. */
export const fetchStatus = (): Promise<Status> => request("/api/v1/status/", {}, [503]);

export const fetchTopics = async (): Promise<Topic[]> =>
  (await request<{ topics: Topic[] }>("/api/v1/topics/")).topics;

export async function uploadImage(file: File): Promise<string> {
  const body = new FormData();
  body.append("file", file);
  return (await request<{ url: string }>("/api/v1/media/", { method: "POST", body })).url;
}

/** Queues a word count and waits until a worker has finished it. */
export async function countWords(text: string, signal: AbortSignal): Promise<WordCount> {
  let task = await request<Task>("/api/v1/tasks/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text }),
    signal,
  });
  do {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    task = await request<Task>(`/api/v1/tasks/${task.id}/`, { signal });
  } while (UNFINISHED.has(task.state));
  if (task.result === null) throw new Error(`the task ended as ${task.state}`);
  return task.result;
}

/** Returns the URL of the echo service; it uses TLS if the page does. */
export function echoAddress({ protocol, host }: Pick<Location, "protocol" | "host">): string {
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}/ws/echo/`;
}

async function request<T>(path: string, init: RequestInit = {}, acceptable: number[] = []): Promise<T> {
  const response = await fetch(path, init);
  // The error page of a gateway is HTML; only answers of the backend are JSON.
  const body: unknown = await response.json().catch(() => null);
  if ((response.ok || acceptable.includes(response.status)) && body !== null) return body as T;
  throw new Error(explanation(body) ?? `the server answered ${String(response.status)}`);
}

function explanation(body: unknown): string | undefined {
  const error = (body as { error?: unknown } | null)?.error;
  return typeof error === "string" ? error : undefined;
}
