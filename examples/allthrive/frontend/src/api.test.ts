import { afterEach, describe, expect, it, vi } from "vitest";

import { countWords, echoAddress, fetchStatus, fetchTopics, uploadImage } from "./api";

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function answer(...responses: Response[]) {
  const fetched = vi.fn<typeof fetch>();
  for (const response of responses) fetched.mockResolvedValueOnce(response);
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

describe("the echo address", () => {
  it("is encrypted when the page is", () => {
    expect(echoAddress({ protocol: "https:", host: "allthrive.ai" })).toBe("wss://allthrive.ai/ws/echo/");
  });

  it("keeps the port", () => {
    expect(echoAddress({ protocol: "http:", host: "localhost:8080" })).toBe("ws://localhost:8080/ws/echo/");
  });
});

describe("a request", () => {
  it("shows an unhealthy status instead of failing", async () => {
    answer(json({ ok: false, version: "1.0.0" }, 503));
    expect(await fetchStatus()).toMatchObject({ ok: false, version: "1.0.0" });
  });

  it("fails with the reason the backend gives", async () => {
    answer(json({ error: "an image has at most 5 bytes" }, 413));
    await expect(uploadImage(new File(["x"], "x.png"))).rejects.toThrow("an image has at most 5 bytes");
  });

  it("fails with the status when a gateway answers in place of the backend", async () => {
    answer(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    await expect(fetchTopics()).rejects.toThrow("the server answered 502");
  });

  it("does not accept a page as an answer", async () => {
    answer(new Response("<!doctype html>", { status: 200 }));
    await expect(fetchTopics()).rejects.toThrow("the server answered 200");
  });
});

describe("counting words", () => {
  it("asks again until the task is done", async () => {
    vi.useFakeTimers();
    const fetched = answer(
      json({ id: "7" }, 202),
      json({ id: "7", state: "PENDING", result: null }),
      json({ id: "7", state: "STARTED", result: null }),
      json({ id: "7", state: "SUCCESS", result: { words: 2, characters: 9 } }),
    );
    const counted = countWords("two words", new AbortController().signal);
    await vi.runAllTimersAsync();
    expect(await counted).toEqual({ words: 2, characters: 9 });
    expect(fetched.mock.calls.slice(1).map(([path]) => path)).toEqual(Array(3).fill("/api/v1/tasks/7/"));
  });

  it("says so when the task failed", async () => {
    vi.useFakeTimers();
    answer(json({ id: "7" }, 202), json({ id: "7", state: "FAILURE", result: null }));
    const counted = expect(countWords("x", new AbortController().signal)).rejects.toThrow("the task ended as FAILURE");
    await vi.runAllTimersAsync();
    await counted;
  });
});
