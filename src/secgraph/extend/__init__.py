"""Where outside code plugs in: the protocols a product implements, and the loading of entry points.

Built-in products come in by the same door as a stranger's: an entry point in the group `secgraph.sources` that names a
`Connector` class. A plug-in returns data; it is never handed the application. Products import this package, `model` and
`errors`, and nothing else of ours.
"""

from secgraph.extend.draft import (
    AlertDraft,
    Connector,
    ControlDraft,
    Draft,
    EvidenceDraft,
    Framing,
    NotAnAlert,
    ObjectDraft,
    Raw,
    Record,
    TakesApart,
    Unusable,
    Unwraps,
)
from secgraph.extend.loading import source, sources
from secgraph.extend.pieces import (
    account,
    address,
    digest,
    file_at,
    names,
    objects,
    part,
    pascal,
    present,
    shown,
    tactic,
    texts,
    yes,
)
from secgraph.extend.powers import (
    CallFailed,
    ClientCredentials,
    Headers,
    Option,
    Options,
    OutcomeUnknown,
    Place,
    Pulled,
    Pulls,
    Reach,
    Reply,
    Told,
    Web,
    WritesBack,
    Written,
)
from secgraph.extend.pulling import SINCE, Mark, span
from secgraph.extend.reading import evidence, instant_of, integer, moment, techniques, text

__all__ = [
    "SINCE", "AlertDraft", "CallFailed", "ClientCredentials", "Connector", "ControlDraft", "Draft", "EvidenceDraft",
    "Framing", "Headers", "Mark", "NotAnAlert", "ObjectDraft", "Option", "Options", "OutcomeUnknown", "Place", "Pulled",
    "Pulls", "Raw", "Reach", "Record", "Reply", "TakesApart", "Told", "Unusable", "Unwraps", "Web", "WritesBack", "Written",
    "account", "address", "digest", "evidence", "file_at", "instant_of", "integer", "moment", "names", "objects", "part",
    "pascal", "present", "shown", "source", "sources", "span", "tactic", "techniques", "text", "texts", "yes",
]  # fmt: skip
