"""The features of the matrix (see features.mjs) with a stock python-socketio client: prints one line of JSON for each."""
import json
import queue
import sys
import time

import socketio

PATIENCE = 8
SMALL = bytes([0, 1, 2, 127, 128, 255])
ARGS = [1, "zwei ✓", {"three": [True, None, 1.5]}]
BINARY = ["a", SMALL, {"deep": [b"", {"deeper": SMALL}]}]

url, room, transports, heartbeat = sys.argv[1:]
transports = transports.split(",")


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

    def __init__(self, room, namespaces=("/",), auth=None, **options):
        self.client = socketio.Client(**{"reconnection": False, **options})
        self.events = {name: queue.Queue() for name in namespaces}
        self.life = {name: queue.Queue() for name in namespaces}
        self.answer = ()
        for name in namespaces:
            self.client.on("*", self._listener(name), namespace=name)
            self.client.on("connect", lambda name=name: self.life[name].put("connect"), namespace=name)
            self.client.on("disconnect", lambda reason, name=name: self.life[name].put(f"disconnect: {reason}"), namespace=name)
            self.client.on("connect_error", lambda data, name=name: self.life[name].put({"refused": data}), namespace=name)
        self.client.connect(url, socketio_path=f"r/{room}/socket.io", transports=transports, namespaces=list(namespaces),
                            auth=auth, wait_timeout=PATIENCE)

    def _listener(self, namespace):
        def heard(event, *args):
            self.events[namespace].put([event, *args])
            return self.answer if event == "question" else None
        return heard

    def next(self, namespace="/"):
        return self.events[namespace].get(timeout=PATIENCE)

    def emit(self, event, *args, namespace="/"):
        self.client.emit(event, args, namespace=namespace)

    def call(self, event, *args, namespace="/"):
        acks = queue.Queue()
        self.client.emit(event, args, namespace=namespace, callback=lambda *answers: acks.put(list(answers)))
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
    yield peer
    yield {"transport": peer.client.transport(), "first": peer.next()}


def namespaces():
    peer = Peer(f"{room}-namespaces", ("/", "/custom", "/dynamic-7"))
    yield peer
    peer.next()
    got = {}
    for name in ("/custom", "/dynamic-7"):
        peer.emit("message", name, namespace=name)
        got[name] = [peer.next(name), peer.next(name)]
    got["/nowhere"] = refused(f"{room}-nowhere", "/nowhere")
    got["/"] = peer.call("message-with-ack", "still here")
    yield got


def auth():
    peer = Peer(f"{room}-auth", ("/admin",), {"token": "secret"})
    yield peer
    yield peer.next("/admin")


def events():
    peer, other = Peer(f"{room}-events"), Peer(f"{room}-events")
    yield peer
    yield other
    for each in (peer, other):
        each.next()
    peer.emit("message", *ARGS)
    back = peer.next()
    peer.emit("broadcast", *ARGS)
    other.emit("broadcast", "from the other")
    yield {"back": back, "heard": [other.next(), peer.next()]}


def acks():
    peer = Peer(f"{room}-acks")
    yield peer
    peer.next()
    peer.answer = ("forty", 2)
    peer.emit("emit-with-ack", "what?", 6, 9)
    yield [peer.call("message-with-ack", *ARGS), peer.call("message-with-ack"), peer.next(), peer.next()]


def binary():
    peer = Peer(f"{room}-binary")
    yield peer
    peer.next()
    peer.emit("message", *BINARY)
    back = peer.next()
    acked = peer.call("message-with-ack", *BINARY)
    peer.answer = (SMALL, "and", b"")
    peer.emit("emit-with-ack", *BINARY)
    yield {"back": back, "acked": acked, "question": peer.next(), "answer": peer.next()}


def refusal():
    yield refused(f"{room}-refusal", "/admin", {"token": "wrong"})


def server_disconnect():
    peer = Peer(f"{room}-kick", ("/", "/custom"))
    yield peer
    for name in ("/", "/custom"):
        assert peer.step(name) == "connect"
    peer.emit("kick", {"close": False}, namespace="/custom")
    left = peer.step("/custom")
    stays = peer.call("message-with-ack", "still here")
    peer.emit("kick", {"close": True})
    kicked = peer.step()
    peer.client.wait()
    yield {"left": left, "stays": stays, "kicked": kicked, "engine": peer.client.eio.state}


def reconnection():
    peer = Peer(f"{room}-cut", reconnection=True, reconnection_delay=0.02, randomization_factor=0)
    yield peer
    assert peer.step() == "connect"
    before = peer.client.get_sid()
    print("cut plain", flush=True)  # who runs this has the proxy in hand
    lost = peer.step()
    print("restore plain", flush=True)
    while peer.step() != "connect":
        pass  # attempts from before it was restored
    yield {"lost": lost, "newId": peer.client.get_sid() != before, "alive": peer.call("message-with-ack", "back")}


def heartbeats():
    peer = Peer(f"{room}-heart")
    yield peer
    time.sleep(float(heartbeat) / 1000)  # this client tells nobody of its heartbeats: only that it is alive after them
    yield peer.call("message-with-ack", "alive")


for feature in (connect, namespaces, auth, events, acks, binary, refusal, server_disconnect, reconnection, heartbeats):
    name = {"server_disconnect": "server disconnect", "heartbeats": "heartbeat"}.get(feature.__name__, feature.__name__)
    peers, result = [], {"feature": name}
    try:
        for item in feature():
            if isinstance(item, Peer):
                peers.append(item)
            else:
                result["got"] = plain(item)
    except Exception as error:  # of whatever kind: it is what this feature came to
        result["error"] = repr(error)
    for peer in peers:
        peer.client.disconnect()
    print(json.dumps(result), flush=True)
