// Orders the usual way: `ws`, `JSON.parse`, and `nodejs-order-book` in memory. The same requests and
// replies as a node of ours; no durability, no accounts, no signatures, numbers as floats.
'use strict';
const { randomBytes } = require('crypto');
const { OrderBook } = require('nodejs-order-book');
const { WebSocketServer } = require('ws');

const book = new OrderBook();
let seq = 0;

function refused(request, code, message) {
  return { id: request.id, ok: false, error: { code, message, state: 'rejected' } };
}

function done(request, receivedUs, state, filled) {
  seq += 1;
  const nowUs = Date.now() * 1000;
  const times = { t_in: receivedUs, t_log: receivedUs, t_out: nowUs };
  const clientOrderId = request.params.client_order_id;
  const order = { order_id: String(seq), client_order_id: clientOrderId, state, filled, seq };
  return { id: request.id, ok: true, result: { ...order, ...times } };
}

function place(request, receivedUs) {
  const { client_order_id: id, side, qty, price } = request.params;
  const placed = book.limit({ id, side, size: Number(qty), price: Number(price) });
  if (placed.err) {
    return refused(request, 'INVALID_VALUE', placed.err.message);
  }
  const state = placed.quantityLeft > 0 ? 'open' : 'filled';
  return done(request, receivedUs, state, (Number(qty) - placed.quantityLeft).toFixed(5));
}

function cancel(request, receivedUs) {
  const cancelled = book.cancel(request.params.client_order_id);
  if (!cancelled || cancelled.err) {
    return refused(request, 'ORDER_NOT_FOUND', 'no such order');
  }
  return done(request, receivedUs, 'cancelled', '0.00000');
}

function answer(request) {
  const receivedUs = Date.now() * 1000;
  switch (request.op) {
    case 'order.place':
      return place(request, receivedUs);
    case 'order.cancel':
      return cancel(request, receivedUs);
    case 'session.logon':
      return { id: request.id, ok: true, result: {} };
    default:
      return refused(request, 'UNKNOWN_OP', request.op);
  }
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
server.on('connection', (socket) => {
  const nonce = randomBytes(16).toString('hex');
  socket.send(JSON.stringify({ ch: 'session', type: 'hello', nonce, server: 'usual' }));
  socket.on('message', (data) => socket.send(JSON.stringify(answer(JSON.parse(data)))));
  socket.on('error', () => socket.terminate());
});
