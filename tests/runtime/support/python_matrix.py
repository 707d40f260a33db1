"""The features of the matrix (see features.mjs) with a stock python-socketio client: prints one line of JSON for each.

Its arguments: which of the two clients, `threads` or `asyncio`; the transports; as JSON each server's {url, proxy} by name; a time in
ms that has heartbeats in it; a room. Whoever runs this has the proxies in hand, and cuts or restores one when this prints so.
"""
import asyncio
import inspect
import json
import os
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata

import socketio

PATIENCE = 20  # versions before 5.12 take some 6 s to give up the writing side of a connection that was cut
SMALL = bytes([0, 1, 2, 127, 128, 255])
ARGS = [1, "zwei ✓", {"three": [True, None, 1.5]}]
BINARY = ["a", SMALL, {"deep": [b"", {"deeper": SMALL}]}]

which, transports, addresses, beats, room = sys.argv[1:]
transports = transports.split(",")
addresses = json.loads(addresses)
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


def done(result):
    """The result of a method of either client: those of the one for asyncio run in the loop."""
    async def awaited():
        return await result
    return asyncio.run_coroutine_threadsafe(awaited(), loop).result() if inspect.isawaitable(result) else result


def say(line):
    """Prints a line whole, though threads print at the same time."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def plain(value):
    """Byte strings as {"bytes": hex}, at any depth, as the other clients' results have them."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


class Peer:
    """A connection, what each of its namespaces was sent, and what became of them."""

    def __init__(self, room, namespaces=("/",), auth=None, url=addresses["plain"]["url"], handlers=None, **options):
        client = socketio.AsyncClient if which == "asyncio" else socketio.Client
        self.client = client(**{"reconnection": False, **options})
        self.events = {name: queue.Queue() for name in namespaces}
        self.life = {name: queue.Queue() for name in namespaces}
        self.answer = ()
        for name in namespaces:
            self._listen(name)
        for event, handler in (handlers or {}).items():
            self.client.on(event, handler)
        done(self.client.connect(url, socketio_path=f"r/{room}/socket.io", transports=transports, namespaces=list(namespaces),
                                 auth=auth, wait_timeout=PATIENCE))

    def _listen(self, name):
        life = self.life[name]
        self.client.on("*", self._listener(name), namespace=name)
        self.client.on("connect", lambda: life.put("connect"), namespace=name)
        # Before 5.12 there is no reason.
        self.client.on("disconnect", lambda *reason: life.put(": ".join(("disconnect", *reason))), namespace=name)
        self.client.on("connect_error", lambda data: life.put({"refused": data}), namespace=name)

    def _listener(self, namespace):
        def heard(event, *args):
            self.events[namespace].put([event, *args])
            return self.answer if event == "question" else None
        return heard

    def next(self, namespace="/"):
        return self.events[namespace].get(timeout=PATIENCE)

    def emit(self, event, *args, namespace="/"):
        done(self.client.emit(event, args, namespace=namespace))

    def call(self, event, *args, namespace="/"):
        acks = queue.Queue()
        done(self.client.emit(event, args, namespace=namespace, callback=lambda *answers: acks.put(list(answers))))
        return acks.get(timeout=PATIENCE)

    def step(self, namespace="/"):
        return self.life[namespace].get(timeout=PATIENCE)


def refused(room, namespace, auth=None):
    """What a connection to that namespace came to."""
    peer = Peer.__new__(Peer)  # its constructor is going to raise, and what it has heard is wanted all the same
    try:
        peer.__init__(room, (namespace,), auth)
    except socketio.exceptions.ConnectionError:
        return peer.step(namespace)["refused"]
    raise AssertionError("it was not refused")


def connect():
    peer = Peer(f"{room}-connect")
    return {"transport": peer.client.transport(), "first": peer.next()}


def namespaces():
    peer = Peer(f"{room}-namespaces", ("/", "/custom", "/dynamic-7"))
    peer.next()
    got = {}
    for name in ("/custom", "/dynamic-7"):
        peer.emit("message", name, namespace=name)
        got[name] = [peer.next(name), peer.next(name)]
    got["/nowhere"] = refused(f"{room}-nowhere", "/nowhere")
    got["/"] = peer.call("message-with-ack", "still here")
    return got


def auth():
    peer = Peer(f"{room}-auth", ("/admin",), {"token": "secret"})
    return peer.next("/admin")


def events():
    peer, other = Peer(f"{room}-events"), Peer(f"{room}-events")
    for each in (peer, other):
        each.next()
    peer.emit("message", *ARGS)
    back = peer.next()
    peer.emit("broadcast", *ARGS)
    other.emit("broadcast", "from the other")
    return {"back": back, "heard": [other.next(), peer.next()]}


def acks():
    peer = Peer(f"{room}-acks")
    peer.next()
    peer.answer = ("forty", 2)
    peer.emit("emit-with-ack", "what?", 6, 9)
    return [peer.call("message-with-ack", *ARGS), peer.call("message-with-ack"), peer.next(), peer.next()]


def binary():
    peer = Peer(f"{room}-binary")
    peer.next()
    peer.emit("message", *BINARY)
    back = peer.next()
    acked = peer.call("message-with-ack", *BINARY)
    peer.answer = (SMALL, "and", b"")
    peer.emit("emit-with-ack", *BINARY)
    return {"back": back, "acked": acked, "question": peer.next(), "answer": peer.next()}


def refusal():
    return refused(f"{room}-refusal", "/admin", {"token": "wrong"})


def server_disconnect():
    peer = Peer(f"{room}-kick", ("/", "/custom"))
    for name in ("/", "/custom"):
        assert peer.step(name) == "connect"
    peer.emit("kick", {"close": False}, namespace="/custom")
    left = peer.step("/custom")
    stays = peer.call("message-with-ack", "still here")
    peer.emit("kick", {"close": True})
    kicked = peer.step()
    done(peer.client.wait())
    return {"left": left, "stays": stays, "kicked": kicked, "engine": peer.client.eio.state}


def reconnection():
    peer = Peer(f"{room}-cut", url=addresses["plain"]["proxy"], reconnection=True, reconnection_delay=0.02, randomization_factor=0)
    assert peer.step() == "connect"
    before = peer.client.get_sid()
    say("cut plain")
    lost = peer.step()
    say("restore plain")
    while peer.step() != "connect":
        pass  # attempts from before it was restored
    return {"lost": lost, "newId": peer.client.get_sid() != before, "alive": peer.call("message-with-ack", "back")}


def heartbeat():
    peer = Peer(f"{room}-heart")
    time.sleep(float(beats) / 1000)  # this client tells nobody of its heartbeats: only that it is alive after them
    return peer.call("message-with-ack", "alive")


def one_argument():
    """From a server that offers recovery: a handler of one argument isn't called where there is another."""
    heard = queue.Queue()
    peer = Peer(f"{room}-one", url=addresses["recovering"]["url"], handlers={"message-back": lambda text: heard.put(text)})
    peer.emit("message", "from one handler to another")
    return heard.get(timeout=PATIENCE)


def attempt(feature):
    result = {"feature": feature.__name__.replace("_", " ")}
    try:
        result["got"] = plain(feature())
    except Exception as error:  # of whatever kind: it is what this feature came to
        result["error"] = repr(error)
    say(json.dumps(result))


def version():
    return metadata.version("python-socketio")


FEATURES = (version, connect, namespaces, auth, events, acks, binary, refusal, server_disconnect, reconnection, heartbeat, one_argument)
with ThreadPoolExecutor(len(FEATURES)) as threads:
    list(threads.map(attempt, FEATURES))
os._exit(0)  # the connections end with the process; to say goodbye on each takes old versions seconds
