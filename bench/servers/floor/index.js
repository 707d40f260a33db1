// The least that a room can do on this platform: what one says, the others get. Nothing is stored.
// The class and the binding have the names of roomcast's own, so that all servers have the same configuration.
import { DurableObject } from 'cloudflare:workers';

export class ChatRoom extends DurableObject {
  fetch(request) {
    if (request.headers.get('Upgrade') !== 'websocket') return new Response('ok');
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  webSocketMessage(from, message) {
    for (const socket of this.ctx.getWebSockets()) {
      if (socket !== from) socket.send(message);
    }
  }
}

export default {
  fetch(request, env) {
    const [, , room] = new URL(request.url).pathname.split('/');
    return room ? env.ROOMS.getByName(room).fetch(request) : new Response('ok');
  },
};
