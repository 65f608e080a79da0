"""Both ends of a WebSocket for the soak: a server that echoes, and a client behind a proxy.

The protocol is wsproto's (it comes with mitmproxy); only the sockets are ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Request, TextMessage


async def _events(connection: WSConnection, reader: asyncio.StreamReader) -> AsyncIterator[Event]:
    while data := await reader.read(65536):
        connection.receive_data(data)
        for event in connection.events():
            yield event


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = WSConnection(ConnectionType.SERVER)
    async for event in _events(connection, reader):
        match event:
            case Request():
                writer.write(connection.send(AcceptConnection()))
            case TextMessage():
                writer.write(connection.send(TextMessage(event.data)))
            case Ping():
                writer.write(connection.send(event.response()))
            case CloseConnection():
                writer.write(connection.send(event.response()))
                break
    writer.close()


@asynccontextmanager
async def server() -> AsyncIterator[int]:
    """An echoing server on loopback; its port."""
    async with await asyncio.start_server(_echo, "127.0.0.1", 0) as made:
        yield made.sockets[0].getsockname()[1]


async def talk(proxy: int, port: int, messages: int, *, hang_up: bool) -> int:
    """Open a WebSocket through the proxy, send messages and hear them again; how many came back.
    With `hang_up` the connection is dropped and not closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy)
    connection = WSConnection(ConnectionType.CLIENT)
    hello = connection.send(Request(host=f"127.0.0.1:{port}", target="/socket"))
    # To a proxy the whole address is asked for.
    writer.write(hello.replace(b"GET /", b"GET http://127.0.0.1:%d/" % port, 1))
    heard = 0
    async for event in _events(connection, reader):
        match event:
            case AcceptConnection():
                writer.write(connection.send(TextMessage("0")))
            case TextMessage():
                heard += 1
                if heard == messages:
                    if hang_up:
                        break
                    writer.write(connection.send(CloseConnection(1000)))
                else:
                    writer.write(connection.send(TextMessage(str(heard))))
            case CloseConnection():
                break
    if hang_up:
        writer.transport.abort()
    else:
        writer.close()
    return heard
