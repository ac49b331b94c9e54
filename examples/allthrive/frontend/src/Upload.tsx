import { type SubmitEvent, useRef, useState } from "react";

import { uploadImage } from "./api";
import { messageOf } from "./hooks";

export function Upload() {
  const input = useRef<HTMLInputElement>(null);
  const [address, setAddress] = useState("");
  const [problem, setProblem] = useState("");

  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    const file = input.current?.files?.[0];
    if (!file) return;
    setProblem("");
    try {
      setAddress(await uploadImage(file));
    } catch (error) {
      setAddress("");
      setProblem(messageOf(error));
    }
  };

  return (
    <section aria-labelledby="upload-title">
      <h2 id="upload-title">Media</h2>
      <p>An image goes to the media storage and comes back.</p>
      <form onSubmit={(event) => void send(event)}>
        <label htmlFor="upload-file">Image</label>
        <input id="upload-file" ref={input} type="file" accept="image/gif,image/jpeg,image/png,image/webp" required />
        <button>Upload</button>
      </form>
      {address && (
        <figure>
          <img src={address} alt="Your upload" data-testid="upload-preview" />
          <figcaption>
            <a href={address} data-testid="upload-address">
              {address}
            </a>
          </figcaption>
        </figure>
      )}
      {problem && <p role="alert">{problem}</p>}
    </section>
  );
}
