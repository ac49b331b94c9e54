import type { MouseEvent, ReactNode } from "react";

import { Echo } from "./Echo";
import { usePath } from "./hooks";
import { Release } from "./Release";
import { Topics } from "./Topics";
import { Upload } from "./Upload";
import { WordCounter } from "./WordCounter";

export function App() {
  const [path, go] = usePath();
  return (
    <>
      <header>
        <Link to="/" go={go}>
          <img src="/favicon.svg" alt="" width="32" height="32" /> AllThrive
        </Link>
        <nav aria-label="Main">
          <Link to="/about" go={go}>
            About
          </Link>
        </nav>
      </header>
      <main>{page(path)}</main>
    </>
  );
}

function page(path: string): ReactNode {
  switch (path) {
    case "/":
      return <Home />;
    case "/about":
      return <About />;
    default:
      return <NotFound path={path} />;
  }
}

function Home() {
  return (
    <>
      <h1>Everything this release is made of</h1>
      <Release />
      <div className="cards">
        <Echo />
        <WordCounter />
        <Upload />
      </div>
      <Topics />
    </>
  );
}

function About() {
  return (
    <>
      <h1>About</h1>
      <p className="lead">
        AllThrive is the example product of Slipway: a Django API with WebSockets, Celery workers and this page, each
        small and each real. Its one purpose is to be shipped.
      </p>
    </>
  );
}

function NotFound({ path }: { path: string }) {
  return (
    <>
      <h1>Nothing here</h1>
      <p className="lead">
        There is no page at <code>{path}</code>. <a href="/">Back to the start</a>
      </p>
    </>
  );
}

function Link({ to, go, children }: { to: string; go: (path: string) => void; children: ReactNode }) {
  const follow = (event: MouseEvent) => {
    // A modifier key opens a new tab or window.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={to} onClick={follow}>
      {children}
    </a>
  );
}
