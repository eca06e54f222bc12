"""Tasks of a Celery that knows nothing of Reeve. Its broker is a file, so that it runs anywhere."""

import os
import time

from celery import Celery

app = Celery("tasks", broker="sqla+sqlite:///" + os.environ.get("QUEUE", "build/queue.sqlite"))
app.conf.task_ignore_result = True
app.conf.task_acks_late = True  # One that a worker could not finish is done again, by another.


@app.task
def greet(number):
    time.sleep(0.01)
    if path := os.environ.get("GREETED"):
        with open(path, "a") as file:
            file.write(f"{number}\n")
