// socket.io on Node: what one says, the others in its room get. Nothing is stored, and nothing is recovered.
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const http = createServer((request, response) => response.end('ok'));
const io = new Server(http, { serveClient: false, maxHttpBufferSize: 1_000_000 });

io.on('connection', (socket) => {
  const { room } = socket.handshake.query;
  socket.join(room);
  socket.on('message', (message, answer) => {
    socket.to(room).emit('message', message);
    answer?.();
  });
});

http.listen(Number(process.argv[2]), '127.0.0.1');
