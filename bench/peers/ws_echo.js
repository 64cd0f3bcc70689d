// Sends every message back, with the npm package `ws` as its documentation shows it.
'use strict';
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => {
  console.log(JSON.stringify({ ready: true, port: server.address().port }));
});
server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => socket.terminate());
});
