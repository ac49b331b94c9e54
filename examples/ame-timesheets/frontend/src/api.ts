/** The client of the backend. */

export interface Entry {
  employee: string;
  project: string;
  day: string;
  hours: string;
}

const API = import.meta.env.VITE_API_URL ?? "/api";

export const fetchEntries = async (): Promise<Entry[]> => (await request<{ entries: Entry[] }>("/entries/")).entries;

export const addEntry = (entry: Entry): Promise<Entry> =>
  request("/entries/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(entry),
  });

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(API + path, init);
  // The error page of a gateway is HTML; only answers of the backend are JSON.
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  const error = (body as { error?: unknown } | null)?.error;
  throw new Error(error === undefined ? `the server answered ${String(response.status)}` : JSON.stringify(error));
}
