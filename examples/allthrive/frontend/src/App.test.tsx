import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { App } from "./App";

const STATUS = {
  ok: true,
  version: "4.5.6",
  image_digest: "sha256:abc",
  database: { ok: true, version: "18.1", migrations: { applied: 20, pending: 1 } },
  cache: { ok: true },
  worker: { ok: false, heartbeat: null },
};
const TOPICS = { topics: [{ slug: "design", name: "Design", description: "Shapes" }] };

/** Replaces the browser's WebSocket; the rest of the page is real. */
class FakeSocket {
  static last: FakeSocket;
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (() => void) | null = null;
  sent: string[] = [];

  constructor(readonly url: string) {
    FakeSocket.last = this;
  }
  send(data: string) {
    this.sent.push(data);
  }
  close() {
    this.onclose?.();
  }
}

const backend = vi.fn<(path: string) => Response>();

beforeEach(() => {
  backend.mockImplementation((path) => Response.json(path === "/api/v1/status/" ? STATUS : TOPICS));
  vi.stubGlobal("fetch", (path: string) => Promise.resolve(backend(path)));
  vi.stubGlobal("WebSocket", FakeSocket);
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function open(path: string) {
  window.history.replaceState(null, "", path);
  await act(async () => {
    render(<App />);
    await Promise.resolve();
  });
}

describe("the start page", () => {
  it("names the release that runs", async () => {
    await open("/");
    expect((await screen.findByTestId("version")).textContent).toBe("4.5.6");
    expect(screen.getByTestId("digest").textContent).toBe("sha256:abc");
  });

  it("shows which parts work and which need attention", async () => {
    await open("/");
    expect((await screen.findByTestId("check-database")).textContent).toContain("works");
    expect(screen.getByTestId("check-migrations").textContent).toContain("needs attention");
    expect(screen.getByTestId("check-worker").textContent).toContain("needs attention");
  });

  it("lists the topics", async () => {
    await open("/");
    expect((await screen.findByTestId("topics")).textContent).toBe("Design Shapes");
  });

  it("explains a backend that fails", async () => {
    backend.mockImplementation(() => new Response("", { status: 502 }));
    await open("/");
    expect((await screen.findByText(/No status/)).textContent).toContain("the server answered 502");
  });
});

describe("the echo", () => {
  it("waits for the connection, sends the message, and shows the reply", async () => {
    await open("/");
    const send = screen.getByRole<HTMLButtonElement>("button", { name: "Send" });
    expect(send.disabled).toBe(true);
    act(() => FakeSocket.last.onopen());
    fireEvent.change(screen.getByLabelText("Message"), { target: { value: "ping" } });
    fireEvent.click(send);
    expect(FakeSocket.last.sent).toEqual(['{"text":"ping"}']);
    act(() => FakeSocket.last.onmessage({ data: '{"text":"pong"}' }));
    expect(screen.getByTestId("ws-reply").textContent).toBe("pong");
  });

  it("disables the button when the connection is closed", async () => {
    await open("/");
    act(() => FakeSocket.last.onopen());
    act(() => FakeSocket.last.close());
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Send" }).disabled).toBe(true);
  });
});

describe("routes", () => {
  it("show their page without a request to the server", async () => {
    await open("/about");
    expect(screen.getByRole("heading", { level: 1 }).textContent).toBe("About");
  });

  it("say so when there is no such page", async () => {
    await open("/no/such/page");
    expect(screen.getByRole("main").textContent).toContain("There is no page at /no/such/page");
  });

  it("change with a link and with the back button", async () => {
    await open("/");
    fireEvent.click(screen.getByRole("link", { name: "About" }));
    expect(window.location.pathname).toBe("/about");
    window.history.replaceState(null, "", "/");
    act(() => void window.dispatchEvent(new PopStateEvent("popstate")));
    expect(await screen.findByTestId("version")).toBeDefined();
  });
});
