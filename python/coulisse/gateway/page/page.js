// The page: a ladder, a tape, and in a demo an order ticket, over the public protocol.
// Prices and quantities stay texts; numbers are made of them only to sort and to draw bars.

import { Session, importKey } from "/page/session.js";

const DEPTH = 20;
const TAPE_ROWS = 40;
const $ = (id) => document.getElementById(id);

const state = {
  symbol: null,
  instruments: new Map(),
  bids: new Map(),
  asks: new Map(),
  trades: [],
  orders: new Map(),
  balances: new Map(),
  seq: 0,
  wantsImage: true,
  dirty: true,
};

const session = new Session({
  onMessage: take,
  onState: (name) => {
    const shown = $("connection");
    shown.dataset.state = name;
    shown.textContent = name === "lost" ? "connection lost, trying again" : name;
  },
  onReady: async (account) => {
    await follow();
    if (account) await openDesk();
  },
});

function channels(symbol) {
  return [
    { channel: "book", symbols: [symbol], depth: 50 },
    { channel: "trades", symbols: [symbol] },
  ];
}

async function follow() {
  clearMarket();
  for (const params of channels(state.symbol)) await session.request("subscribe", params);
}

async function choose(symbol) {
  const before = state.symbol;
  if (before === symbol) return;
  state.symbol = symbol;
  drawInstruments();
  for (const { channel, symbols } of channels(before)) {
    await session.request("unsubscribe", { channel, symbols });
  }
  suggestOrder();
  await follow();
}

function clearMarket() {
  state.bids.clear();
  state.asks.clear();
  state.trades = [];
  state.wantsImage = true;
  state.dirty = true;
}

function take(message) {
  if (message.ch === "book" && message.symbol === state.symbol) takeBook(message);
  else if (message.ch === "trades" && message.symbol === state.symbol) takeTrades(message);
  else if (message.ch === "orders") takeOrders(message);
  else if (message.ch === "balances") takeBalances(message);
  state.dirty = true;
}

async function takeBook(message) {
  if (message.type === "image") {
    state.bids.clear();
    state.asks.clear();
    state.wantsImage = false;
  } else if (state.wantsImage) {
    return;
  } else if (message.prev !== state.seq) {
    // Something is missing: start again from an image.
    state.wantsImage = true;
    const [book] = channels(state.symbol);
    await session.request("unsubscribe", { channel: "book", symbols: book.symbols });
    await session.request("subscribe", book);
    return;
  }
  change(state.bids, message.bids);
  change(state.asks, message.asks);
  state.seq = message.seq;
}

function change(side, levels) {
  for (const [price, qty] of levels) {
    if (Number(qty) === 0) side.delete(price);
    else side.set(price, qty);
  }
}

function takeTrades(message) {
  const fresh = message.items.slice().reverse();
  state.trades = message.type === "image" ? fresh : fresh.concat(state.trades);
  state.trades.length = Math.min(state.trades.length, TAPE_ROWS);
}

function takeOrders(message) {
  if (message.type === "image") state.orders.clear();
  for (const item of message.items) {
    if (item.event === "closed") state.orders.delete(item.order_id);
    else state.orders.set(item.order_id, { ...state.orders.get(item.order_id), ...item });
  }
}

function takeBalances(message) {
  if (message.type === "image") state.balances.clear();
  for (const item of message.items) state.balances.set(item.asset, item);
}

// Drawing happens once a frame, however many messages came.
function draw() {
  requestAnimationFrame(draw);
  if (!state.dirty) return;
  state.dirty = false;
  const byPrice = (sign) => (a, b) => sign * (Number(a[0]) - Number(b[0]));
  const bids = [...state.bids].sort(byPrice(-1)).slice(0, DEPTH);
  const asks = [...state.asks].sort(byPrice(1)).slice(0, DEPTH);
  drawSides(bids, asks);
  drawMiddle(bids, asks);
  fill($("trades"), state.trades.map(tradeRow));
  $("seq").textContent = state.seq || "–";
  if (!$("desk").hidden) drawDesk();
}

function drawSides(bids, asks) {
  const sum = (levels) => levels.reduce((total, [, qty]) => total + Number(qty), 0);
  const most = Math.max(sum(bids), sum(asks), Number.MIN_VALUE);
  const decimals = state.instruments.get(state.symbol)?.qty_decimals ?? 4;
  for (const [id, levels] of [["bids", bids], ["asks", asks]]) {
    let total = 0;
    fill($(id), levels.map(([price, qty]) => {
      total += Number(qty);
      const line = row([price, qty, total.toFixed(decimals)]);
      const bar = document.createElement("i");
      bar.className = "bar";
      bar.style.setProperty("--width", `${(100 * total) / most}%`);
      line.append(bar);
      return line;
    }));
  }
}

function drawMiddle(bids, asks) {
  const decimals = state.instruments.get(state.symbol)?.price_decimals ?? 2;
  const spread = bids.length && asks.length ? Number(asks[0][0]) - Number(bids[0][0]) : null;
  $("spread").textContent = spread === null ? "–" : spread.toFixed(decimals);
  const last = state.trades[0];
  $("last").textContent = last ? last.price : "–";
  $("middle").textContent = last ? last.price : "–";
  $("middle").className = `middle ${last ? last.taker_side : ""}`;
  document.title = last ? `${last.price} ${state.symbol}` : "Coulisse";
}

function tradeRow(trade) {
  const when = new Date(trade.time / 1000).toLocaleTimeString("en-GB");
  const line = row([trade.price, trade.qty, when]);
  line.classList.add(trade.taker_side);
  return line;
}

function drawDesk() {
  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  const balances = [...state.balances.values()].filter(
    (item) => Number(item.available) !== 0 || Number(item.held) !== 0);
  fill($("balances"), balances.map((item) => row([item.asset, trimmed(item.available), trimmed(item.held)])));
  const orders = [...state.orders.values()].filter((item) => item.price);
  fill($("orders"), orders.length ? orders.map(orderRow) : [emptyRow("none")]);
}

function orderRow(order) {
  const left = order.remaining ?? order.qty;
  const line = row([`${order.symbol} ${order.side ?? ""}`, `${left} @ ${order.price}`]);
  line.classList.add(order.side ?? "buy");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "cancel";
  button.onclick = async () => show(await session.request("order.cancel", { order_id: order.order_id }));
  line.append(button);
  return line;
}

function emptyRow(text) {
  const line = document.createElement("div");
  line.className = "empty";
  line.textContent = text;
  return line;
}

function row(texts) {
  const line = document.createElement("div");
  line.className = "row";
  for (const text of texts) {
    const cell = document.createElement("span");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

function fill(parent, rows) {
  parent.replaceChildren(...rows);
}

function drawInstruments() {
  fill($("instruments"), [...state.instruments.keys()].map((symbol) => {
    const button = document.createElement("button");
    button.textContent = symbol;
    button.setAttribute("aria-pressed", String(symbol === state.symbol));
    button.onclick = () => choose(symbol);
    return button;
  }));
}

async function openDesk() {
  for (const channel of ["orders", "balances"]) await session.request("subscribe", { channel });
  $("desk").hidden = false;
  state.dirty = true;
}

function suggestOrder() {
  const lot = Number(state.instruments.get(state.symbol).lot_size);
  $("qty").value = (lot * 1000).toFixed(state.instruments.get(state.symbol).qty_decimals);
  $("price").value = "";
}

async function placeOrder(event) {
  event.preventDefault();
  const price = $("price").value.trim();
  const params = { symbol: state.symbol, side: event.submitter?.value ?? "buy", qty: $("qty").value.trim() };
  if (price) Object.assign(params, { type: "limit", price });
  else params.type = "market";
  params.client_order_id = crypto.randomUUID();
  show(await session.request("order.place", params));
}

function show(reply) {
  const shown = $("outcome");
  shown.className = reply.ok ? "" : "bad";
  if (!reply.ok) shown.textContent = reply.error.message;
  else {
    const { order_id, state: stands, filled } = reply.result;
    const done = filled && Number(filled) > 0 ? ` (${filled} filled)` : "";
    shown.textContent = `order ${order_id}: ${stands}${done}`;
  }
}

async function takeDemoKey() {
  const answer = await fetch("/demo/key");
  if (!answer.ok) return;
  const { key_id, private_key } = await answer.json();
  try {
    session.key = { keyId: key_id, handle: await importKey(private_key) };
  } catch {
    $("note").textContent = "This browser has no Ed25519: you can watch, but not trade.";
  }
}

async function start() {
  const { instruments } = await (await fetch("/v1/instruments")).json();
  for (const item of instruments) state.instruments.set(item.symbol, item);
  if (!instruments.length) {
    $("note").textContent = "No instrument is listed on this node.";
    return;
  }
  state.symbol = instruments[0].symbol;
  drawInstruments();
  suggestOrder();
  $("ticket").onsubmit = placeOrder;
  await takeDemoKey();
  session.connect();
  draw();
}

start();
