// Mistakes that the compiler finds: each line below a directive has to be one.
import type { Socket } from 'socket.io-client';
import type { Auth, ClientToServerEvents, Code, Failure, ServerToClientEvents } from '../../public/chat.js';

export async function mistakes(socket: Socket<ServerToClientEvents, ClientToServerEvents>): Promise<void> {
  // Names of events.
  // @ts-expect-error
  socket.emit('joins', { name: 'Ada' }, () => {});
  // @ts-expect-error what the server tells isn't to be sent
  socket.emit('newMessage', { id: 1, time: 1, author: { name: 'Ada' }, text: 'Hi!' });
  // @ts-expect-error and the other way round
  socket.on('message', () => {});
  // @ts-expect-error
  socket.on('memberjoined', () => {});
  // @ts-expect-error
  await socket.emitWithAck('leave');

  // What is sent.
  // @ts-expect-error
  socket.emit('join', { nickname: 'Ada' }, () => {});
  // @ts-expect-error
  socket.emit('join', 'Ada', () => {});
  // @ts-expect-error
  socket.emit('join', { name: 'Ada', after: '1' }, () => {});
  // @ts-expect-error
  socket.emit('join', () => {});
  // @ts-expect-error
  socket.emit('message', { text: 7 }, () => {});
  // @ts-expect-error
  socket.emit('message', { text: 'Hi!', id: 7 }, () => {});
  // @ts-expect-error
  socket.emit('message', { text: 'Hi!' }, 'more', () => {});
  // @ts-expect-error
  socket.emit('history', { befor: 1 }, () => {});
  // @ts-expect-error
  socket.emit('createdMessage', { author: 'Eve' }, () => {});
  // @ts-expect-error
  socket.emit('createdMessage', { author: 'Eve', text: 'Hi!' }, () => {});
  // @ts-expect-error
  await socket.emitWithAck('message');

  // Answers.
  // @ts-expect-error whether it could be stored is to be asked
  socket.emit('message', { text: 'Hi!' });
  // @ts-expect-error it may be a failure
  socket.emit('message', { text: 'Hi!' }, (answer) => answer.id);
  socket.emit('message', { text: 'Hi!' }, (answer) => {
    // @ts-expect-error
    if (!('code' in answer)) answer.text;
    // @ts-expect-error no such code
    if ('code' in answer) answer.code === 'not_found';
  });
  // @ts-expect-error without `timeout` there is one argument
  socket.emit('message', { text: 'Hi!' }, (error: Error, answer: object) => [error, answer]);
  // @ts-expect-error
  (await socket.emitWithAck('join', { name: 'Ada' })).members;
  // @ts-expect-error
  (await socket.emitWithAck('createdMessage', { author: 'Eve', message: 'Hi!' })).id;

  // What is told.
  // @ts-expect-error
  socket.on('newMessage', ({ message }) => message);
  // @ts-expect-error a tutorial's client has no id
  socket.on('newMessage', ({ author }) => author.id.length);
  // @ts-expect-error
  socket.on('memberAway', ({ away }) => away);
  // @ts-expect-error
  socket.on('error', (failure: Error) => failure.stack);
}

// @ts-expect-error
export const auth: Auth = { name: 'Ada', token: 'secret' };
// @ts-expect-error
export const code: Code = 'unknown';
// @ts-expect-error
export const failure: Failure = { code: 'storage' };
