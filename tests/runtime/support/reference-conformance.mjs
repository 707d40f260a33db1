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
  socket.emit('auth', socket.handshake.auth);
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
}

/** Makes an Engine.IO server send back every message as it came. */
export function echo(engine) {
  engine.on('connection', (session) => session.on('message', (message) => session.send(message)));
}
