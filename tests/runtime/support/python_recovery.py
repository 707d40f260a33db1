"""A stock python-socketio client that loses its connection and comes back; prints what it got as JSON."""
import json
import queue
import sys

import socketio

PATIENCE = 8

url, room = sys.argv[1:]
client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.2, randomization_factor=0)
greetings = queue.Queue()
client.on("auth", lambda *args: greetings.put(args))
client.connect(url, socketio_path=f"r/{room}/socket.io", transports=["websocket"], wait_timeout=PATIENCE)
try:
    sids = [client.get_sid()]
    got = [greetings.get(timeout=PATIENCE)]
    print("cut", flush=True)  # whoever runs this cuts the connection
    got.append(greetings.get(timeout=PATIENCE))
    sids.append(client.get_sid())
    acked = client.call("message-with-ack", "back", timeout=PATIENCE)
    print(json.dumps({"sids": sids, "greetings": got, "acked": acked}))
finally:
    client.disconnect()
