// One WebSocket of the native protocol: requests with their replies, channel messages, and a new
// connection, with growing pauses, when it is lost.

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 5000;
const PKCS8_ED25519 = "302e020100300506032b657004220420";

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16));
const hexOf = (buffer) =>
  [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");

// Chromium has Ed25519 since 137, Firefox since 129, Safari since 17; elsewhere one can only watch.
export async function importKey(privateKey) {
  return crypto.subtle.importKey(
    "pkcs8", bytesOf(PKCS8_ED25519 + privateKey), "Ed25519", false, ["sign"]);
}

export class Session {
  constructor({ onMessage, onState, onReady }) {
    this.onMessage = onMessage;
    this.onState = onState;
    this.onReady = onReady;
    this.key = null;
    this.replies = new Map();
    this.lastId = 0;
    this.pauseMs = BACKOFF_FIRST_MS;
  }

  connect() {
    this.onState("connecting");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.socket = new WebSocket(`${scheme}://${location.host}/v1/ws`);
    this.socket.onmessage = (event) => this.take(JSON.parse(event.data));
    this.socket.onclose = () => this.lost();
  }

  lost() {
    this.onState("lost");
    for (const settle of this.replies.values()) {
      settle({ ok: false, error: { code: "CONNECTION_LOST", message: "the connection was lost", state: "unknown" } });
    }
    this.replies.clear();
    setTimeout(() => this.connect(), this.pauseMs * (0.5 + Math.random() / 2));
    this.pauseMs = Math.min(2 * this.pauseMs, BACKOFF_MAX_MS);
  }

  async take(message) {
    if (message.id !== undefined && message.id !== null) {
      const settle = this.replies.get(message.id);
      this.replies.delete(message.id);
      settle?.(message);
    } else if (message.ch === "session") {
      if (message.type === "hello") await this.greet(message.nonce);
    } else {
      this.onMessage(message);
    }
  }

  async greet(nonce) {
    let account = null;
    if (this.key) {
      const text = `coulisse-logon-v1|${location.host}|${this.key.keyId}|${nonce}`;
      const signed = await crypto.subtle.sign("Ed25519", this.key.handle, new TextEncoder().encode(text));
      const reply = await this.request("session.logon", { key_id: this.key.keyId, signature: hexOf(signed) });
      if (reply.ok) account = reply.result.account;
    }
    this.pauseMs = BACKOFF_FIRST_MS;
    this.onState("live");
    this.onReady(account);
  }

  request(op, params) {
    this.lastId += 1;
    const id = this.lastId;
    return new Promise((settle) => {
      this.replies.set(id, settle);
      this.socket.send(JSON.stringify({ id, op, params }));
    });
  }
}
