"""A stock python-socketio client: joins a room, says something, hears something, and prints what it got as JSON."""
import json
import queue
import sys

import socketio

PATIENCE = 8

url, room, transports, name, text = sys.argv[1:]
client = socketio.Client(reconnection=False)
heard = queue.Queue()
client.on("newMessage", lambda message: heard.put(message))  # the client knows nothing of recovery, and so gets no offset
client.connect(url, socketio_path=f"r/{room}/socket.io", transports=transports.split(","), wait_timeout=PATIENCE)
try:
    joined = client.call("join", {"name": name}, timeout=PATIENCE)
    sent = client.call("message", {"text": text}, timeout=PATIENCE)
    received = heard.get(timeout=PATIENCE)
    print(json.dumps({"transport": client.transport(), "joined": joined, "sent": sent, "received": received}))
finally:
    client.disconnect()
