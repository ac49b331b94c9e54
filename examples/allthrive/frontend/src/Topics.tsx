import { fetchTopics } from "./api";
import { useLoaded } from "./hooks";

export function Topics() {
  const topics = useLoaded(fetchTopics);
  return (
    <section className="topics" aria-labelledby="topics-title" aria-busy={topics.state === "loading"}>
      <h2 id="topics-title">Topics</h2>
      {topics.state === "failed" && <p role="alert">No topics: {topics.message}.</p>}
      {topics.state === "ready" && topics.value.length === 0 && <p>None yet: run the seed commands.</p>}
      {topics.state === "ready" && (
        <ul data-testid="topics">
          {topics.value.map(({ slug, name, description }) => (
            <li key={slug}>
              <strong>{name}</strong> {description}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
