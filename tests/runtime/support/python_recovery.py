"""A stock python-socketio client that loses its connection and comes back; prints what it got as JSON."""
import json
import os
import queue
import sys
import threading

import socketio

PATIENCE = 8

url, room, transport = sys.argv[1:]
client = socketio.Client(reconnection_delay=0.1, reconnection_delay_max=0.2, randomization_factor=0)
greetings = queue.Queue()
broadcasts = []
errors = []
threading.excepthook = lambda failed: errors.append(str(failed.exc_value))
client.on("auth", lambda *args: greetings.put(args))


@client.on("message-back")
def heard(text):
    """A handler of one argument: it isn't called where there is another."""
    broadcasts.append([text])


client.connect(url, socketio_path=f"r/{room}/socket.io", transports=[transport], wait_timeout=PATIENCE)
sids = [client.get_sid()]
got = [greetings.get(timeout=PATIENCE)]
print("cut", flush=True)  # whoever runs this cuts the connection
got.append(greetings.get(timeout=PATIENCE))
sids.append(client.get_sid())
client.emit("message", "from one handler to another")
acked = client.call("message-with-ack", "back", timeout=PATIENCE)
print(json.dumps({"sids": sids, "greetings": got, "broadcasts": broadcasts, "acked": acked, "errors": errors}), flush=True)
# A thread of the connection that was lost may still wait for a ping, and would keep the program running as long.
os._exit(0)
