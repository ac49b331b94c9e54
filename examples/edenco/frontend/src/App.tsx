import { type SubmitEvent, useEffect, useState } from "react";

import { type Plant, type Status, addPlant, fetchPlan, fetchPlants, fetchStatus } from "./api";

export function App() {
  const [status, setStatus] = useState<Status>();
  const [plants, setPlants] = useState<Plant[]>([]);
  const [plan, setPlan] = useState<string[]>([]);
  const [error, setError] = useState("");

  const attempt = (work: Promise<unknown>) => {
    work.then(
      () => setError(""),
      (reason: unknown) => setError(String(reason)),
    );
  };

  useEffect(() => {
    attempt(fetchStatus().then(setStatus));
    attempt(fetchPlants().then(setPlants));
  }, []);

  const add = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const sent = new FormData(form);
    const added = addPlant(sent.get("name") as string, Number(sent.get("days")));
    attempt(
      added.then(async () => {
        form.reset();
        setPlants(await fetchPlants());
      }),
    );
  };

  return (
    <main>
      <h1>Edenco</h1>
      <ul data-testid="plants">
        {plants.map((plant) => (
          <li key={plant.id}>
            {plant.name}, every {plant.days_between_watering} days{" "}
            <button onClick={() => attempt(fetchPlan(plant.id).then(setPlan))}>Plan {plant.name}</button>
          </li>
        ))}
      </ul>
      <form onSubmit={add}>
        <label>
          Name <input name="name" required maxLength={80} />
        </label>{" "}
        <label>
          Days between watering <input name="days" type="number" required min={1} max={365} />
        </label>{" "}
        <button>Add</button>
      </form>
      {plan.length > 0 && <p data-testid="plan">Water on {plan.join(", ")}</p>}
      {error && <p role="alert">{error}</p>}
      <footer>
        {status && (
          <>
            Version <span data-testid="version">{status.version}</span> on {status.environment}
          </>
        )}
      </footer>
    </main>
  );
}
