"""Whether an address that is taken is taken by one of us: the process that listens for a feed has a mark besides, which the
others can see. It is a name of the machine's, there for as long as the process is, and of the same namespace as ports.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from hashlib import sha256

from secgraph.ingest.feeds.feed import Feed


def marked(feed: Feed) -> socket.socket | None:
    """The mark of a feed, until it is closed; None where there are no such names, or it is there still."""
    if sys.platform != "linux":
        return None
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with contextlib.suppress(OSError):
        made.bind(_name(feed))
        return made
    made.close()
    return None


def is_marked(feed: Feed) -> bool:
    """Whether a process of ours listens for a feed on this machine; also where nobody can say."""
    if sys.platform != "linux":
        return True
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        try:
            one.connect(_name(feed))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True


def _name(feed: Feed) -> str:
    # Shortened, since the name of a socket has room for a hundred characters or so.
    return f"\0secgraph-{sha256(f'{feed.guid} {feed.name}'.encode()).hexdigest()}"
