// partyserver's broadcast as its README has it, with hibernation; esbuild bundles it.
import { routePartykitRequest, Server } from 'partyserver';

export class ChatRoom extends Server {
  static options = { hibernate: true };

  onMessage(connection, message) {
    this.broadcast(message, [connection.id]);
  }
}

export default {
  async fetch(request, env) {
    return (await routePartykitRequest(request, env)) ?? new Response('ok');
  },
};
