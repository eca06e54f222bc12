"""A FastAPI service with a lifespan, run by uvicorn under Reeve: see fastapi.toml."""
import asyncio
import os
from contextlib import asynccontextmanager

from fastapi import FastAPI


@asynccontextmanager
async def lifespan(app):
    app.state.greeting = "Hello, World!"  # Here a service opens its database: after the fork, in each worker.
    yield
    print("lifespan: closed", flush=True)


app = FastAPI()
app.router.lifespan_context = lifespan  # FastAPI(lifespan=...) needs 0.93; Debian 12 has 0.92.


@app.get("/")
async def root():
    return {"message": app.state.greeting, "pid": os.getpid()}


@app.get("/slow")
async def slow(ms: int = 1000):
    await asyncio.sleep(ms / 1000)
    return {"slept_ms": ms, "pid": os.getpid()}
