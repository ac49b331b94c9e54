import { randomUUID } from "node:crypto";

import { type APIRequestContext, expect, test } from "@playwright/test";

interface Plant {
  id: number;
  name: string;
}

interface Task {
  id: string;
  state: string;
  result: string[] | null;
}

/** Adds a plant of its own, since the site keeps what earlier runs added. */
async function plant(request: APIRequestContext): Promise<Plant> {
  const name = `Basil ${randomUUID().slice(0, 8)}`;
  const answer = await request.post("/api/v1/plants/", { data: { name, days_between_watering: 7 } });
  expect(answer.status()).toBe(201);
  return (await answer.json()) as Plant;
}

test("the page shows the version that the API reports", async ({ page, request }) => {
  const status = (await (await request.get("/api/v1/status/")).json()) as { status: string; version: string };
  expect(status.status).toBe("ok");
  await page.goto("/");
  await expect(page.getByTestId("version")).toHaveText(status.version);
});

test("the expected version runs", async ({ request }) => {
  const expected = process.env["EXPECTED_VERSION"];
  test.skip(!expected, "EXPECTED_VERSION is not set");
  const status = (await (await request.get("/api/v1/status/")).json()) as { version: string };
  expect(status.version).toBe(expected);
});

test("a plant that was added through the API is on the page", async ({ page, request }) => {
  const { name } = await plant(request);
  await page.goto("/");
  await expect(page.getByTestId("plants")).toContainText(`${name}, every 7 days`);
});

test("a plant that a visitor adds is listed by the API", async ({ page, request }) => {
  const name = `Thyme ${randomUUID().slice(0, 8)}`;
  await page.goto("/");
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Days between watering").fill("3");
  await page.getByRole("button", { name: "Add" }).click();
  await expect(page.getByTestId("plants")).toContainText(`${name}, every 3 days`);
  const { plants } = (await (await request.get("/api/v1/plants/")).json()) as { plants: Plant[] };
  expect(plants.map((listed) => listed.name)).toContain(name);
});

test("a Celery worker plans four weeks", async ({ request }) => {
  const { id } = await plant(request);
  const queued = await request.post(`/api/v1/plants/${String(id)}/plan/`);
  expect(queued.status()).toBe(202);
  let task = (await queued.json()) as Task;
  await expect
    .poll(async () => (task = (await (await request.get(`/api/v1/tasks/${task.id}/`)).json()) as Task).state)
    .toBe("SUCCESS");
  expect(task.result).toHaveLength(4);
});

test("the page shows the plan of a plant", async ({ page, request }) => {
  const { name } = await plant(request);
  await page.goto("/");
  await page.getByRole("button", { name: `Plan ${name}` }).click();
  await expect(page.getByTestId("plan")).toContainText("Water on ");
});

test("an unknown path below the API is a 404 and not the page", async ({ request }) => {
  const answer = await request.get("/api/v1/no-such-thing/");
  expect(answer.status()).toBe(404);
  expect(await answer.text()).not.toContain('id="root"');
});

test("the admin has its style sheet", async ({ page }) => {
  const styles = page.waitForResponse((response) => /\/static\/.*\.css/.test(response.url()));
  await page.goto("/admin/");
  await expect(page.getByLabel("Username")).toBeVisible();
  expect((await styles).status()).toBe(200);
});
