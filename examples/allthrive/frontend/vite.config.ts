import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const backend = process.env["BACKEND"] ?? "http://127.0.0.1:8000";
// The address of the bucket; without one the backend keeps media files itself.
const media = process.env["MEDIA"] ?? backend;
// The frontend build sets REPORTS; without it coverage would only cost time.
const reports = process.env["REPORTS"];

export default defineConfig({
  plugins: [react()],
  // In every environment one origin serves page and API; in development this proxy does.
  server: { proxy: { "/api": backend, "/admin": backend, "/static": backend, "/media": media, "/ws": { target: backend, ws: true } } },
  test: {
    environment: "jsdom",
    restoreMocks: true,
    coverage: {
      enabled: reports !== undefined,
      include: ["src/**"],
      exclude: ["src/**/*.test.*", "src/main.tsx"],
      reporter: ["text-summary", "cobertura"],
      reportsDirectory: `${reports ?? "."}/coverage`,
    },
  },
});
