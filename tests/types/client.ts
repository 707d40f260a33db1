// A client that uses all of the chat, as a program would.
import { io, type Socket } from 'socket.io-client';
import type {
  Answer, Auth, ClientToServerEvents, Code, ConnectError, Failure, Joined, ListedMember, MemberChange, Message,
  Relayed, ServerToClientEvents, TutorialMessage,
} from '../../public/chat.js';

type Chat = Socket<ServerToClientEvents, ClientToServerEvents>;

const auth: Auth = { name: 'Ada', key: '0123456789abcdef' };
const socket: Chat = io('https://chat.example', { path: '/r/lobby/socket.io/', auth });
const guest: Chat = io('https://chat.example', { auth: {} satisfies Auth });

const roster = new Map<string, ListedMember>();
const shown: Message[] = [];

/** What can be wrong: the compiler knows all codes. */
function advice({ code, message }: Failure): string {
  switch (code) {
    case 'invalid_name': case 'invalid_key': case 'invalid_message': case 'invalid_id': return `Type it anew: ${message}`;
    case 'not_joined': return 'Join first.';
    case 'storage': return 'Try again later.';
    case 'invalid_payload': case 'unknown_event': case 'internal': return `A bug: ${message}`;
    default: return code satisfies never;
  }
}

function orThrow<Success extends object>(answer: Answer<Success>): Success {
  if ('code' in answer) throw new Error(advice(answer as Failure));
  return answer as Success;
}

// What is told.
socket.on('newMessage', (message) => shown.push(message));
socket.on('newMessage', ({ id, time, author, text }, offset) => {
  const line: string = `${new Date(time).toISOString()} ${author.id?.length ?? 0} ${author.name}: ${text} (${id.toFixed()})`;
  console.log(line, offset?.length);
});
guest.on('newIncomingMessage', ({ author, message }) => console.log(`${author}: ${message}`));
socket.on('memberJoined', ({ id, name }) => roster.set(id, { id, name, away: false }));
socket.on('memberRenamed', ({ id, name }) => roster.set(id, { id, name, away: false }));
const mark = (away: boolean) => ({ id, name }: MemberChange): void => void roster.set(id, { id, name, away });
socket.on('memberAway', mark(true));
socket.on('memberBack', mark(false));
socket.on('memberLeft', (change: MemberChange) => roster.delete(change.id));
socket.on('error', (failure) => console.error(advice(failure)));
socket.on('connect_error', (error: ConnectError) => console.error(error.data ? advice(error.data) : error.message));

// What is sent, with a callback.
socket.emit('join', { name: 'Ada' }, (answer) => {
  if ('code' in answer) {
    const code: Code = answer.code;
    return console.error(code, answer.message);
  }
  const joined: Joined = answer;
  for (const member of joined.members) roster.set(member.id, member);
  shown.push(...joined.messages);
});
socket.emit('join', { name: 'Ada', key: '0123456789abcdef', after: shown.at(-1)?.id ?? 0 }, () => {});
socket.timeout(5_000).emit('message', { text: 'Hi!', id: '1' }, (error: Error | null, answer) => {
  if (error) return console.error('no answer');
  if (!('code' in answer)) console.log(answer.id + answer.time);
});
const tutorial: TutorialMessage = { author: 'Eve', message: 'Hello!' };
guest.emit('createdMessage', tutorial, (answer) => {
  if ('code' in answer) console.error(answer.code satisfies Code);
  else answer satisfies Relayed;
});

// And awaited.
export async function older(): Promise<Message[]> {
  const posted = await socket.emitWithAck('message', { text: 'Hi again!' });
  if ('code' in posted) throw new Error(posted.message);
  const { messages, more } = orThrow(await socket.emitWithAck('history', { before: posted.id }));
  const after = await socket.timeout(5_000).emitWithAck('history', { after: messages[0]?.id ?? 0 });
  orThrow(await socket.emitWithAck('createdMessage', tutorial));
  return 'code' in after || !more ? messages : [...messages, ...after.messages];
}
