"""A WSGI application that knows nothing of Reeve."""


def app(environ, start_response):
    body = b"Hello from gunicorn\n"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
