"""Tasks of a Celery that knows nothing of Reeve. Its broker is a directory, so that it runs anywhere."""

import os
import time

from celery import Celery

queue = os.environ.get("QUEUE", "build/queue")
os.makedirs(queue, exist_ok=True)

app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": queue, "data_folder_out": queue, "polling_interval": 0.05}
app.conf.task_ignore_result = True
app.conf.task_acks_late = True  # One that a worker could not finish is done again, by another.


@app.task
def greet(number):
    time.sleep(0.01)
    if path := os.environ.get("GREETED"):
        with open(path, "a") as file:
            file.write(f"{number}\n")
