import { defineConfig } from "@playwright/test";

const { BASE_URL, CHROMIUM_PATH, E2E_OUTPUT } = process.env;
if (!BASE_URL) throw new Error("set BASE_URL to the address of the site, such as https://staging.edenco.online");

export default defineConfig({
  testDir: "tests",
  outputDir: E2E_OUTPUT ?? "reports/results",
  reporter: [
    ["list"],
    ["html", { open: "never", outputFolder: "reports/html" }],
    ["json", { outputFile: "reports/results.json" }],
  ],
  forbidOnly: true,
  // A test that passes only on a retry has found a defect.
  retries: 0,
  timeout: 30_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: BASE_URL,
    // The certificate of a local site is self-signed.
    ignoreHTTPSErrors: true,
    trace: "retain-on-failure",
    // Chromium's sandbox needs rights that a container does not have.
    launchOptions: { args: ["--no-sandbox"], ...(CHROMIUM_PATH ? { executablePath: CHROMIUM_PATH } : {}) },
  },
});
