// The least that a room can do on this platform: what one says, the others get. With ROWS, a row a message is stored before: the
// least that a durable room can do.
// The class and the binding have the names of roomcast's own, so that all servers have the same configuration.
import { DurableObject } from 'cloudflare:workers';

export class ChatRoom extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.rows = env.ROWS === 'true';
    if (this.rows) ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS message (id INTEGER PRIMARY KEY AUTOINCREMENT, body)');
  }

  fetch(request) {
    if (request.headers.get('Upgrade') === 'websocket') {
      const { 0: client, 1: server } = new WebSocketPair();
      this.ctx.acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    if (request.url.endsWith('/row')) this.#store('row');
    return new Response('ok');
  }

  webSocketMessage(from, message) {
    this.#store(message);
    for (const socket of this.ctx.getWebSockets()) {
      if (socket !== from) socket.send(message);
    }
  }

  #store(body) {
    if (this.rows) this.ctx.storage.sql.exec('INSERT INTO message (body) VALUES (?)', body);
  }
}

export default {
  fetch(request, env) {
    const [, , room] = new URL(request.url).pathname.split('/');
    return room ? env.ROOMS.getByName(room).fetch(request) : new Response('ok');
  },
};
