/** The client of the backend. URLs have no host: the proxy serves page and API on one origin. */

export interface Status {
  version: string;
  image: string | null;
  environment: string;
}

export interface Plant {
  id: number;
  name: string;
  days_between_watering: number;
}

interface Task {
  id: string;
  state: string;
  result: string[] | null;
}

const UNFINISHED = new Set(["PENDING", "STARTED", "RETRY"]);
const POLL_MS = 300;

export const fetchStatus = (): Promise<Status> => request("/api/v1/status/");

export const fetchPlants = async (): Promise<Plant[]> => (await request<{ plants: Plant[] }>("/api/v1/plants/")).plants;

export const addPlant = (name: string, days: number): Promise<Plant> =>
  request("/api/v1/plants/", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, days_between_watering: days }),
  });

/** Queues the plan of a plant and waits until a worker has made it. */
export async function fetchPlan(plant: number): Promise<string[]> {
  let task = await request<Task>(`/api/v1/plants/${String(plant)}/plan/`, { method: "POST" });
  do {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    task = await request<Task>(`/api/v1/tasks/${task.id}/`);
  } while (UNFINISHED.has(task.state));
  if (task.result === null) throw new Error(`the task ended as ${task.state}`);
  return task.result;
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, init);
  // The error page of a gateway is HTML; only answers of the backend are JSON.
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  const error = (body as { error?: unknown } | null)?.error;
  throw new Error(error === undefined ? `the server answered ${String(response.status)}` : JSON.stringify(error));
}
