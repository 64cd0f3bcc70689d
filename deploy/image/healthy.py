"""Whether the node in this container lives: what HEALTHCHECK runs. Exit code 0 or 1.

`/healthz` and not `/readyz`: a node that drains, or whose database is away, is not to be restarted.
"""

import http.client
import os
import ssl
import sys

TIMEOUT_S = 3


def main() -> int:
    """Ask; return the exit code."""
    port = int(os.environ.get("COULISSE_GATEWAY__PORT", "8080"))
    asking: http.client.HTTPConnection
    if "COULISSE_GATEWAY__TLS__CERTIFICATE" in os.environ:
        # Whose certificate it is, clients look at; here it is this container's own.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        asking = http.client.HTTPSConnection("127.0.0.1", port, timeout=TIMEOUT_S, context=context)
    else:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        asking.request("GET", "/healthz")
        answer = asking.getresponse()
        return 0 if answer.status == 200 and b'"ok":true' in answer.read() else 1
    except (OSError, http.client.HTTPException):
        return 1
    finally:
        asking.close()


if __name__ == "__main__":
    sys.exit(main())
