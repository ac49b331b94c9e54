import { type SubmitEvent, useEffect, useState } from "react";

import { type Entry, addEntry, fetchEntries } from "./api";

const COMPANY = import.meta.env.VITE_COMPANY ?? "AME";
const VERSION = import.meta.env.VITE_VERSION ?? "development";

export function App() {
  const [entries, setEntries] = useState<Entry[]>([]);
  const [error, setError] = useState("");

  const attempt = (work: Promise<Entry[]>) => {
    work.then(
      (found) => {
        setEntries(found);
        setError("");
      },
      (reason: unknown) => setError(String(reason)),
    );
  };

  useEffect(() => {
    attempt(fetchEntries());
  }, []);

  const add = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const sent = new FormData(event.currentTarget);
    const field = (name: string) => sent.get(name) as string;
    const entry = { employee: field("employee"), project: field("project"), day: field("day"), hours: field("hours") };
    attempt(addEntry(entry).then(fetchEntries));
  };

  return (
    <main>
      <h1>{COMPANY} Timesheets</h1>
      <form onSubmit={add}>
        <label>
          Employee <input name="employee" required maxLength={80} />
        </label>{" "}
        <label>
          Project <input name="project" required maxLength={80} />
        </label>{" "}
        <label>
          Day <input name="day" type="date" required />
        </label>{" "}
        <label>
          Hours <input name="hours" type="number" required min={0.25} max={24} step={0.25} />
        </label>{" "}
        <button>Add</button>
      </form>
      {error && <p role="alert">{error}</p>}
      <ul data-testid="entries">
        {entries.map(({ employee, project, day, hours }) => (
          <li key={`${employee} ${project} ${day}`}>
            {day}: {employee}, {hours} h on {project}
          </li>
        ))}
      </ul>
      <footer>Version {VERSION}</footer>
    </main>
  );
}
