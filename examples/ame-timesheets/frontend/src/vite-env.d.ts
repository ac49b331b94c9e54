/** The build arguments of Dockerfile; Vite writes their values into the page. */
interface ImportMetaEnv {
  readonly VITE_API_URL?: string;
  readonly VITE_COMPANY?: string;
  readonly VITE_VERSION?: string;
}
