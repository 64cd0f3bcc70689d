// Sends every message back, with uWebSockets.js as its documentation shows it.
'use strict';
const uws = require('@trufflesuite/uws-js-unofficial');

// The package falls back to plain JavaScript where its binary does not load: that is no peer.
if (typeof uws.us_socket_local_port !== 'function') {
  console.error('the native part of uWebSockets.js does not load here');
  process.exit(1);
}
uws
  .App()
  .ws('/*', { message: (socket, data, isBinary) => socket.send(data, isBinary) })
  .listen('127.0.0.1', 0, (listening) => {
    console.log(JSON.stringify({ ready: true, port: uws.us_socket_local_port(listening) }));
  });
