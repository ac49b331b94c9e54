import { cleanup, configure, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { App } from "./App";

// On a busy machine a page takes longer than the library's second.
configure({ asyncUtilTimeout: 20_000 });

interface Sent {
  name: string;
  days_between_watering: number;
}

let plants: (Sent & { id: number })[];
let states: string[];

/** Answers as the backend does. */
function backend(path: string, init: RequestInit = {}): Response {
  if (path === "/api/v1/status/") return Response.json({ version: "4.5.6", image: null, environment: "testing" });
  if (path === "/api/v1/plants/" && init.method === "POST") {
    const sent = JSON.parse(init.body as string) as Sent;
    if (plants.some(({ name }) => name === sent.name)) return Response.json({ error: "exists" }, { status: 400 });
    plants.push({ id: plants.length + 1, ...sent });
    return Response.json(plants.at(-1), { status: 201 });
  }
  if (path === "/api/v1/plants/") return Response.json({ plants });
  if (path === "/api/v1/plants/1/plan/") return Response.json({ id: "t" }, { status: 202 });
  if (path === "/api/v1/tasks/t/") {
    const state = states.shift() ?? "SUCCESS";
    return Response.json({ id: "t", state, result: state === "SUCCESS" ? ["2030-01-01", "2030-01-03"] : null });
  }
  return new Response("<h1>Bad gateway</h1>", { status: 502 });
}

beforeEach(() => {
  plants = [{ id: 1, name: "Basil", days_between_watering: 2 }];
  states = [];
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => Promise.resolve(backend(path, init)));
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function add(name: string) {
  fireEvent.change(screen.getByLabelText("Name"), { target: { value: name } });
  fireEvent.change(screen.getByLabelText("Days between watering"), { target: { value: "5" } });
  fireEvent.click(screen.getByRole("button", { name: "Add" }));
}

it("shows the plants and the release", async () => {
  render(<App />);
  expect(await screen.findByText("Basil, every 2 days")).toBeTruthy();
  expect((await screen.findByTestId("version")).textContent).toBe("4.5.6");
});

it("lists a plant that was added", async () => {
  render(<App />);
  await screen.findByText("Basil, every 2 days");
  add("Thyme");
  expect(await screen.findByText("Thyme, every 5 days")).toBeTruthy();
});

it("says why a plant was refused", async () => {
  render(<App />);
  await screen.findByText("Basil, every 2 days");
  add("Basil");
  expect((await screen.findByRole("alert")).textContent).toContain("exists");
});

it("waits for the worker's plan", async () => {
  states = ["PENDING"];
  render(<App />);
  fireEvent.click(await screen.findByRole("button", { name: "Plan Basil" }));
  expect((await screen.findByTestId("plan")).textContent).toBe("Water on 2030-01-01, 2030-01-03");
});

it("says that a worker failed", async () => {
  states = ["FAILURE"];
  render(<App />);
  fireEvent.click(await screen.findByRole("button", { name: "Plan Basil" }));
  expect((await screen.findByRole("alert")).textContent).toContain("FAILURE");
});

it("says that a gateway failed", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(backend("/nowhere")));
  render(<App />);
  expect((await screen.findByRole("alert")).textContent).toContain("the server answered 502");
});
