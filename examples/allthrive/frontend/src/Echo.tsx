import { type SubmitEvent, useEffect, useRef, useState } from "react";

import { echoAddress } from "./api";

type Connection = "connecting" | "open" | "closed";

export function Echo() {
  const socket = useRef<WebSocket>(null);
  const [connection, setConnection] = useState<Connection>("connecting");
  const [message, setMessage] = useState("Hello, world");
  const [reply, setReply] = useState("");

  useEffect(() => {
    const opened = new WebSocket(echoAddress(window.location));
    opened.onopen = () => setConnection("open");
    opened.onclose = () => setConnection("closed");
    opened.onmessage = (event: MessageEvent<string>) => setReply((JSON.parse(event.data) as { text: string }).text);
    socket.current = opened;
    return () => {
      opened.onclose = null;
      opened.close();
    };
  }, []);

  const send = (event: SubmitEvent) => {
    event.preventDefault();
    socket.current?.send(JSON.stringify({ text: message }));
  };

  return (
    <section aria-labelledby="echo-title">
      <h2 id="echo-title">WebSocket</h2>
      <p>
        A message travels through the channel layer and back. The connection is{" "}
        <span data-testid="ws-state">{connection}</span>.
      </p>
      <form onSubmit={send}>
        <label htmlFor="echo-message">Message</label>
        <input id="echo-message" value={message} onChange={(event) => setMessage(event.target.value)} required />
        <button disabled={connection !== "open"}>Send</button>
      </form>
      <output data-testid="ws-reply" htmlFor="echo-message">
        {reply}
      </output>
    </section>
  );
}
