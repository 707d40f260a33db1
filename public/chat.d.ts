// The chat's events, for TypeScript. Written from the server's own types by `cargo test`: not to be changed by hand.
//
//   import { io, type Socket } from 'socket.io-client';
//   import type { Auth, ClientToServerEvents, ServerToClientEvents } from './chat';
//
//   const auth: Auth = { name: 'Ada', key: localStorage.key };
//   const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io('https://…', { path: '/r/lobby/socket.io/', auth });
//   socket.on('newMessage', ({ author, text }) => console.log(author.name, text));
//   const answer = await socket.emitWithAck('message', { text: 'Hi!' });
//   if ('code' in answer) throw new Error(answer.message);

/** What a client sends. Each event is answered, and the answer may be a failure. */
export interface ClientToServerEvents {
  /** Joins the conversation; again, to change the name or to ask what is new. */
  join: (payload: Join, ack: Ack<Joined>) => void;
  /** Speaks, after `join`. Sent again with the same `id`, it gets the same answer, and nobody hears it twice. */
  message: (payload: Post, ack: Ack<Posted>) => void;
  /** Reads what was said, after `join`. */
  history: (payload: ReadHistory, ack: Ack<Page>) => void;
  /** Reads who is there beyond the members that the answer to `join` has room for. */
  members: (payload: ReadMembers, ack: Ack<MembersPage>) => void;
  /** Speaks without joining, as the client of a well-known tutorial does. */
  createdMessage: (payload: TutorialMessage, ack: Ack<Relayed>) => void;
}

/** What a client is told. With recovery, the place in the room's log comes last; socket.io-client remembers it. */
export interface ServerToClientEvents {
  /** A member spoke; told to all other sockets of members. */
  newMessage: (payload: Message, offset?: string) => void;
  /** Somebody spoke by `createdMessage`; told to all others. To those who haven't joined, also what members say. */
  newIncomingMessage: (payload: TutorialMessage, offset?: string) => void;
  /** Somebody is new; told to the other members, as all that follows. */
  memberJoined: (payload: MemberChange, offset?: string) => void;
  /** Somebody has taken another name, which is in it. */
  memberRenamed: (payload: MemberChange, offset?: string) => void;
  /** Somebody's connection was lost ten seconds ago, and may come back. */
  memberAway: (payload: MemberChange, offset?: string) => void;
  /** Somebody who was away is there again. */
  memberBack: (payload: MemberChange, offset?: string) => void;
  /** Somebody is gone for good. */
  memberLeft: (payload: MemberChange, offset?: string) => void;
  /** An event that was sent without an acknowledgement wasn't carried out. */
  error: (failure: Failure, offset?: string) => void;
}

/** What a client may show when it connects, as `auth`. */
export interface Auth {
  /** The nickname with which it joins at once: 1 to 32 characters, not counting blanks around it. */
  name?: string;
  /** The secret that makes all its sockets one person: 16 to 64 characters of `A–Z a–z 0–9 _ -`. */
  key?: string;
}

/** Somebody who said something: a person, or a tutorial's client, which has a name alone. */
export interface Author {
  /** The person's id; none where a tutorial's client spoke. */
  id?: PersonId;
  /** The nickname at that time. */
  name: string;
}

/** To join the conversation. */
export interface Join {
  /** The nickname: 1 to 32 characters, not counting blanks around it. */
  name: string;
  /**
   * The secret that makes all its sockets one person, if it wasn't shown on connection: 16 to 64 characters of
   * `A–Z a–z 0–9 _ -`.
   */
  key?: string;
  /** The id of the newest message that the client has: then the answer has those after it. */
  after?: number;
}

/** The answer to `join`: the conversation as it is. */
export interface Joined {
  /** One's own id. */
  id: PersonId;
  /** One's own nickname, without the blanks around it. */
  name: string;
  /** Who has joined, oneself too, by id: all, unless `moreMembers` says that there are others. */
  members: Array<ListedMember>;
  /** Whether there are more members than the answer has room for: `members` tells who follows the last one. */
  moreMembers?: boolean;
  /** The oldest first. */
  messages: Array<Message>;
  /** Whether there are more, in the direction that was asked for. */
  more: boolean;
}

/** Somebody who has joined. */
export interface ListedMember {
  /** Who it is. */
  id: PersonId;
  /** The nickname. */
  name: string;
  /** Whether all connections were lost, more than ten seconds ago. */
  away: boolean;
}

/** What members hear of a person. */
export interface MemberChange {
  /** Whom it is about. */
  id: PersonId;
  /** The nickname, after the change. */
  name: string;
  /** When it happened, in Unix milliseconds. */
  time: number;
}

/** Members of the room, as many as fit into an answer. */
export interface MembersPage {
  /** By id. */
  members: Array<ListedMember>;
  /** Whether others follow. */
  more: boolean;
}

/** A message, as `newMessage` and the pages have it. */
export interface Message {
  /** Greater than those of all messages of the room before. */
  id: number;
  /** When it was stored, in Unix milliseconds. */
  time: number;
  /** Who said it. */
  author: Author;
  /** What was said. */
  text: string;
}

/** Messages of the room, 50 at most, and fewer where they are long. */
export interface Page {
  /** The oldest first. */
  messages: Array<Message>;
  /** Whether there are more, in the direction that was asked for. */
  more: boolean;
}

/** What others know a person by: it tells nothing of the person's key. */
export type PersonId = string;

/** A member's message. */
export interface Post {
  /** 1 to 4,000 characters, of which not all are blanks. */
  text: string;
  /** The client's own id of the message, 1 to 64 characters of `A–Z a–z 0–9 _ -`: what is sent twice is posted once. */
  id?: string;
}

/** What the server has given a message: the answer to its author. */
export interface Posted {
  /** The id that the message has from now on. */
  id: number;
  /** When it was stored, in Unix milliseconds. */
  time: number;
}

/** To read what was said: the newest messages, or those on one side of a message. */
export interface ReadHistory {
  /** The id of a message: those just before it are wanted. */
  before?: number;
  /** The id of a message: those just after it are wanted. Not both at once. */
  after?: number;
}

/** To go on reading who has joined, where an answer had no room for all. */
export interface ReadMembers {
  /** The id of a member: those that follow are wanted. */
  after?: PersonId;
}

/** The answer to `createdMessage`: it was told. */
export type Relayed = Record<symbol, never>;

/** A message as the tutorial's clients have it, both ways. */
export interface TutorialMessage {
  /** Whatever name the sender goes by: 1 to 32 characters, not counting blanks around it. */
  author: string;
  /** 1 to 4,000 characters, of which not all are blanks. */
  message: string;
}

/** An answer: that of the event, or why it wasn't carried out. `'code' in answer` tells which. */
export type Answer<Success> = Success | Failure;

/** What takes the answer to an event. */
export type Ack<Success> = (answer: Answer<Success>) => void;

/** Why an event wasn't carried out. */
export interface Failure {
  /** A word for programs. */
  code: Code;
  /** A sentence for people. */
  message: string;
}

/** What `connect_error` is told of: with `data` where the chat refused what was shown as `auth`. */
export interface ConnectError extends Error {
  data?: Failure;
}

/** Why an event wasn't carried out, or a client wasn't let in. */
export type Code =
  /** The event takes another payload: `before` or `after`, not both. */
  | "invalid_payload"
  /** A nickname has 1 to 32 characters. */
  | "invalid_name"
  /** A key has 16 to 64 characters: letters, digits, '-' and '_'. */
  | "invalid_key"
  /** A message has 1 to 4000 characters. */
  | "invalid_message"
  /** The id of a message has 1 to 64 characters: letters, digits, '-' and '_'. */
  | "invalid_id"
  /** Join with a nickname first. */
  | "not_joined"
  /** This room knows no such event. */
  | "unknown_event"
  /** The room can't store this now, so nobody got it. */
  | "storage"
  /** The room failed to do this. */
  | "internal";
