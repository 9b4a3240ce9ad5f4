#!/usr/bin/python3
"""Asks impacket's descriptors (impacket.ldap.ldaptypes). They read and write bytes; there is no other operation."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import kit  # noqa: E402
from impacket.ldap.ldaptypes import SR_SECURITY_DESCRIPTOR  # noqa: E402


def read_descriptor(q):
    try:
        sd = SR_SECURITY_DESCRIPTOR(data=bytes.fromhex(q["hex"]))
        return {"hex": sd.getData().hex()}
    except Exception as e:
        raise kit.Invalid("%s: %s" % (type(e).__name__, e))


kit.main({"read_descriptor": read_descriptor})
