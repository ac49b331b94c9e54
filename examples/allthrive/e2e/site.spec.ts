import { expect, test } from "@playwright/test";

// One red pixel.
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==",
  "base64",
);

test("the page shows the release that the API reports", async ({ page, request }) => {
  const status = (await (await request.get("/api/v1/status/")).json()) as { version: string; image_digest: string | null };
  await page.goto("/");
  await expect(page.getByTestId("version")).toHaveText(status.version);
  await expect(page.getByTestId("digest")).toHaveText(status.image_digest ?? "not named by digest");
});

test("the expected release runs", async ({ page }) => {
  const expected = process.env["EXPECTED_VERSION"];
  test.skip(!expected, "EXPECTED_VERSION is not set");
  await page.goto("/");
  await expect(page.getByTestId("version")).toHaveText(expected ?? "");
});

test("database, migrations and cache work", async ({ page }) => {
  await page.goto("/");
  for (const part of ["database", "migrations", "cache"]) {
    await expect(page.getByTestId(`check-${part}`)).toContainText("works");
  }
});

test("a message comes back over the WebSocket", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("Message").fill("is anybody there?");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.getByTestId("ws-reply")).toHaveText("is anybody there?");
});

test("a Celery worker answers", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("Text").fill("one two three");
  await page.getByRole("button", { name: "Count words" }).click();
  await expect(page.getByTestId("task-result")).toHaveText("3 words, 13 characters");
});

test("an uploaded image comes back from the media storage", async ({ page }) => {
  await page.goto("/");
  await page.getByLabel("Image").setInputFiles({ name: "pixel.png", mimeType: "image/png", buffer: PNG });
  await page.getByRole("button", { name: "Upload" }).click();
  const preview = page.getByTestId("upload-preview");
  await expect(preview).toHaveAttribute("src", /^\/media\/[\w-]+\.png$/);
  await expect.poll(() => preview.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(1);
});

test("the seeded topics are listed", async ({ page }) => {
  await page.goto("/");
  await expect(page.getByTestId("topics").getByRole("listitem")).not.toHaveCount(0);
});

test("an unknown path below the API is a 404 in JSON and not the page", async ({ request }) => {
  const response = await request.get("/api/v1/no-such-thing/");
  expect(response.status()).toBe(404);
  expect(response.headers()["content-type"]).toContain("application/json");
});

test("a route of the frontend opens directly", async ({ page }) => {
  await page.goto("/about");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("About");
});

test("the admin asks for a login and has its style sheet", async ({ page }) => {
  const styles = page.waitForResponse((response) => response.url().includes("/static/") && response.url().includes(".css"));
  await page.goto("/admin/");
  await expect(page.getByLabel("Username")).toBeVisible();
  expect((await styles).status()).toBe(200);
});

for (const path of ["/robots.txt", "/sitemap.xml", "/.well-known/ai-plugin.json"]) {
  test(`${path} is served as itself and not as the page`, async ({ request }) => {
    const response = await request.get(path);
    expect(response.status()).toBe(200);
    expect(await response.text()).not.toContain("<!doctype html>");
  });
}
