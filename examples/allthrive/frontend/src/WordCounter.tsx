import { type SubmitEvent, useEffect, useRef, useState } from "react";

import { countWords } from "./api";
import { messageOf } from "./hooks";

export function WordCounter() {
  const running = useRef<AbortController>(null);
  const [text, setText] = useState("The quick brown fox jumps over the lazy dog");
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState("");
  const [problem, setProblem] = useState("");

  useEffect(() => () => running.current?.abort(), []);

  const start = async (event: SubmitEvent) => {
    event.preventDefault();
    const controller = new AbortController();
    running.current = controller;
    setBusy(true);
    setResult("");
    setProblem("");
    try {
      const { words, characters } = await countWords(text, controller.signal);
      setResult(`${String(words)} words, ${String(characters)} characters`);
    } catch (error) {
      if (!controller.signal.aborted) setProblem(messageOf(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <section aria-labelledby="task-title">
      <h2 id="task-title">Background task</h2>
      <p>A Celery worker counts the words.</p>
      <form onSubmit={(event) => void start(event)}>
        <label htmlFor="task-text">Text</label>
        <textarea id="task-text" rows={2} value={text} onChange={(event) => setText(event.target.value)} required />
        <button disabled={busy}>{busy ? "Counting…" : "Count words"}</button>
      </form>
      <output data-testid="task-result" htmlFor="task-text">
        {result}
      </output>
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}
