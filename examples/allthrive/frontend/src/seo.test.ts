// @vitest-environment node
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const published = (path: string) => readFileSync(new URL(`../public/${path}`, import.meta.url), "utf8");

describe("the files for crawlers and assistants", () => {
  it("lets crawlers in, keeps them from API and admin, and shows them the sitemap", () => {
    const lines = published("robots.txt").split("\n");
    expect(lines).toContain("Allow: /");
    expect(lines).toContain("Disallow: /api/");
    expect(lines).toContain("Disallow: /admin/");
    expect(lines).toContain("Sitemap: https://allthrive.ai/sitemap.xml");
  });

  it("maps exactly the routes the page has", () => {
    const routes = [...readFileSync(new URL("App.tsx", import.meta.url), "utf8").matchAll(/case "(.+)":/g)];
    const mapped = [...published("sitemap.xml").matchAll(/<loc>https:\/\/allthrive\.ai(.+)<\/loc>/g)];
    expect(mapped.map(([, path]) => path)).toEqual(routes.map(([, path]) => path));
  });

  it("describes the API to assistants in valid JSON over HTTPS", () => {
    const plugin = JSON.parse(published(".well-known/ai-plugin.json")) as { schema_version: string; api: { url: string } };
    expect(plugin.schema_version).toBe("v1");
    expect(plugin.api.url).toMatch(/^https:\/\/allthrive\.ai\/api\//);
  });
});
