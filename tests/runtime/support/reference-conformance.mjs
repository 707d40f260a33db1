// The conformance app on the reference implementation: namespaces whose sockets send back what they are sent, and an
// Engine.IO server of its own that echoes. Test code only talks to it over the wire, as to roomcast's.

/** Gives `io` the namespaces of the conformance app. */
export function conformanceApp(io) {
  io.of('/admin').use((socket, next) => {
    if (socket.handshake.auth.token === 'secret') return next();
    next(Object.assign(new Error('not authorized'), { data: { code: 401 } }));
  });
  for (const name of ['/', '/custom', /^\/dynamic-\d+$/, '/admin']) io.of(name).on('connection', serve);
}

function serve(socket) {
  if (!socket.recovered) socket.emit('auth', socket.handshake.auth);
  socket.on('message', (...args) => socket.emit('message-back', ...args));
  socket.on('message-with-ack', (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on('emit-with-ack', (...args) => {
    socket.emit('question', ...args, (...answer) => socket.emit('answer', ...answer));
  });
  socket.on('kick', ({ close }) => socket.disconnect(close));
  socket.on('broadcast', (...args) => socket.broadcast.emit('broadcast', ...args));
  serveRooms(socket);
  serveState(socket);
  socket.on('handshake', (ack) => {
    const { issued: time, secure, xdomain, query, headers } = socket.handshake;
    ack({ first: { time, secure, xdomain }, query, headers, missing: [] });
  });
}

/** Rooms of Socket.IO, and events for one of them or for the sender alone. */
function serveRooms(socket) {
  const answer = (ack) => ack?.({});
  socket.on('join', ({ room }, ack) => {
    socket.join(room);
    answer(ack);
  });
  socket.on('leave', ({ room }, ack) => {
    socket.leave(room);
    answer(ack);
  });
  socket.on('to', ({ room, event, data, volatile }, ack) => {
    const others = socket.nsp.to(room);
    (volatile ? others.volatile : others).emit(event, data);
    answer(ack);
  });
  socket.on('direct', ({ event, data }) => socket.emit(event, data));
}

/** What is kept with a socket, and outlives its connection. */
function serveState(socket) {
  let later;
  socket.on('ask-later', (ack) => (later = ack));
  socket.on('answer-now', (ack) => {
    later?.('later');
    later = undefined;
    ack?.({});
  });
  socket.on('data', ({ value }, ack) => {
    socket.data.value = value;
    ack?.({});
  });
  socket.on('data?', (ack) => ack(socket.data.value ?? null));
  socket.on('whoami', (ack) => ack({ id: socket.id, sockets: socket.nsp.sockets.size, away: awayFrom(socket.nsp).length }));
}

/** Those whose clients are gone and may come back. A session that was restored is kept nevertheless: it isn't counted. */
const awayFrom = ({ adapter, sockets }) => [...adapter.sessions?.values() ?? []].filter(({ sid }) => !sockets.has(sid));

/** Makes an Engine.IO server send back every message as it came. */
export function echo(engine) {
  engine.on('connection', (session) => session.on('message', (message) => session.send(message)));
}
