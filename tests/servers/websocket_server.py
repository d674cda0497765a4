"""A WebSocket server (websockets) on a free port of loopback; prints the port when it listens.

usage: websocket_server.py [--token TOKEN] [CERTIFICATE KEY]

It speaks the subprotocols `chat.v2` and `chat.v1`. It greets with `{"type": "hello"}`, repeats what
it is sent, text or binary, and obeys four texts: `expire` and `restart` close with 4001 and 1012,
`large N` answers a message of N letters, `busy` answers three messages of other things before `done`. With a token,
whoever does not send it as `authorization: Bearer TOKEN` is refused. With a certificate it speaks
TLS.
"""

import asyncio
import http
import ssl
import sys

from websockets.asyncio.server import serve


async def talk(connection) -> None:
    await connection.send('{"type": "hello", "path": "%s"}' % connection.request.path)
    async for message in connection:
        words = message.split(" ") if isinstance(message, str) else [message]
        if words[0] == "expire":
            await connection.close(4001, "token expired")
        elif words[0] == "restart":
            await connection.close(1012, "back soon")
        elif words[0] == "large":
            await connection.send("x" * int(words[1]))
        elif words[0] == "busy":
            for number in range(3):
                await connection.send('{"type": "heartbeat", "number": %d}' % number)
            await connection.send('{"type": "done"}')
        else:
            await connection.send(message)


async def main() -> None:
    arguments = sys.argv[1:]
    token = None
    if arguments[:1] == ["--token"]:
        token, arguments = arguments[1], arguments[2:]
    context = None
    if arguments:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments[0], arguments[1])

    def admit(connection, request):
        if token is not None and request.headers.get("authorization") != f"Bearer {token}":
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "not let in\n")
        return None

    def select(connection, offered):
        # A client that offers none talks without.
        return next((known for known in ("chat.v2", "chat.v1") if known in offered), None)

    server = await serve(
        talk,
        "127.0.0.1",
        0,
        ssl=context,
        process_request=admit,
        select_subprotocol=select,
    )
    print(next(iter(server.sockets)).getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
