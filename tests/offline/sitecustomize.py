"""Keeps Python off the network: with this folder on PYTHONPATH, only this machine can be reached.

An audit hook, because it sees every road that Python code can take (`socket`, and all that is built
on it) and no library can put it aside. A program that is not Python, such as git, does not see it.
"""

import ipaddress
import sys


def is_here(host) -> bool:
    """Return whether `host` (a name, an address or None) is this very machine."""
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_network(event: str, args: tuple) -> None:
    """Raise ConnectionRefusedError for a look-up or a connection that leaves this machine."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        host = address[0] if isinstance(address, tuple) else None  # else a socket in a file
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        host = args[0]
    else:
        return
    if not is_here(host):
        raise ConnectionRefusedError(
            f"Lessons run without the network, so {host!r} is out of reach: read shipped data, or "
            "take the connection out of the lesson."
        )


sys.addaudithook(refuse_network)
