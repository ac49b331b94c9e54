import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { App } from "./App";
import type { Entry } from "./api";

let entries: Entry[];

/** Answers as the backend does. */
function backend(path: string, init: RequestInit = {}): Response {
  if (path !== "/api/entries/") return new Response("<h1>Bad gateway</h1>", { status: 502 });
  if (init.method !== "POST") return Response.json({ entries });
  const sent = JSON.parse(init.body as string) as Entry;
  if (sent.hours === "24") return Response.json({ error: { hours: ["too many"] } }, { status: 400 });
  entries.push(sent);
  return Response.json(sent, { status: 201 });
}

beforeEach(() => {
  entries = [{ employee: "Ada", project: "Bridge", day: "2030-01-31", hours: "7.50" }];
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => Promise.resolve(backend(path, init)));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.unstubAllEnvs();
});

async function add(hours: string) {
  render(<App />);
  await screen.findByText("2030-01-31: Ada, 7.50 h on Bridge");
  for (const [label, value] of Object.entries({ Employee: "Grace", Project: "Tower", Day: "2030-02-01", Hours: hours })) {
    fireEvent.change(screen.getByLabelText(label), { target: { value } });
  }
  fireEvent.click(screen.getByRole("button", { name: "Add" }));
}

it("lists the entry that was added", async () => {
  await add("6");
  expect(await screen.findByText("2030-02-01: Grace, 6 h on Tower")).toBeTruthy();
});

it("says why an entry was refused", async () => {
  await add("24");
  expect((await screen.findByRole("alert")).textContent).toContain("too many");
});

it("says that a gateway failed", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(backend("/nowhere")));
  render(<App />);
  expect((await screen.findByRole("alert")).textContent).toContain("the server answered 502");
});

it("has the company and the version of its build", async () => {
  vi.stubEnv("VITE_COMPANY", "Ame Ltd");
  vi.stubEnv("VITE_VERSION", "4.5.6");
  vi.resetModules();
  const { App: Built } = await import("./App");
  render(<Built />);
  expect(screen.getByRole("heading").textContent).toBe("Ame Ltd Timesheets");
  expect(await screen.findByText("Version 4.5.6")).toBeTruthy();
});
