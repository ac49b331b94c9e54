import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The pipeline sets REPORTS; without it coverage would only cost time.
const reports = process.env["REPORTS"];

export default defineConfig({
  plugins: [react()],
  // The proxy asks by the name of the compose service.
  server: { allowedHosts: true },
  test: {
    environment: "jsdom",
    testTimeout: 60_000,
    coverage: {
      enabled: reports !== undefined,
      include: ["src/**"],
      exclude: ["src/**/*.test.*", "src/main.tsx"],
      reporter: ["text-summary", "cobertura"],
      reportsDirectory: `${reports ?? "."}/coverage`,
    },
  },
});
