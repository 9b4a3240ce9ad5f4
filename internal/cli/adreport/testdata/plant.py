"""Plants control paths at random in a domain that samba-tool provisioned, with Samba's own libraries.

plant.py FOLDER SEED

40 accounts get a way to control something. 20 others get the same entries and, before them, one that denies. The
script writes FOLDER/before.ldif, FOLDER/ad.ldif and one JSON line for each account to FOLDER/planted.jsonl:
{"who", "open", "object": DN of the object that the account controls, "steps": length of its path, "closed": the step
that is closed, from 1; 0: none}.
It knows nothing of the program under test.
"""

import json
import random
import subprocess
import sys

import ldb
import samba.auth
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

ATTRIBUTES = ["nTSecurityDescriptor", "objectSid", "objectClass", "sAMAccountName", "userPrincipalName", "memberOf",
              "member", "groupType", "primaryGroupID", "userAccountControl", "operatingSystem"]

# GUIDs of MS-ADTS 5.1.3.2.1 and MS-ADSC, MS-ADA1-3.
RESET = "00299570-246d-11d0-a768-00aa006e0529"
MEMBER = "bf9679c0-0de6-11d0-a285-00aa003049e2"
MEMBERSHIP = "bc0ac240-79a9-11d0-9020-00c04fc2d4cf"
SPN = "f3a64788-5306-11d1-a9c5-0000f80367c1"
PUBLIC = "e48d0154-bcf8-11d1-8702-00c04fb96050"
RESTRICTIONS = "4c164200-20c0-11d0-a768-00aa006e0529"
ALT = "00fbf30c-91fe-11d1-aebc-0000f80367c1"
GPLINK = "f30e3bbe-9ff0-11d1-b603-0000f80367c1"
CHANGES = "1131f6aa-9c07-11d1-f79f-00c04fc2dcd2"
CHANGES_ALL = "1131f6ad-9c07-11d1-f79f-00c04fc2dcd2"
USER, GROUP = "bf967aba-0de6-11d0-a285-00aa003049e2", "bf967a9c-0de6-11d0-a285-00aa003049e2"

# What controls an object of a kind: entries that allow, each with entries that close it, as (mask, type).
ALL = "CCDCLCSWRPWPDTLOCRSDRCWDWO"
WAYS = {
    "user": [([("CR", RESET)], [("CR", RESET), ("CR", "")]), ([("CR", "")], [("CR", "")]),
             ([("WP", SPN)], [("WP", SPN), ("WP", PUBLIC), ("WP", "")]),
             ([("WP", PUBLIC)], [("WP", PUBLIC), ("WP", "")]), ([("WP", ALT)], [("WP", ALT), ("WP", PUBLIC)]),
             ([("WP", "")], [("WP", "")]), ([("CR", USER)], [("CR", ""), ("CR", USER)]),
             ([("WD", "")], [("WD", "")]), ([(ALL, "")], [(ALL, "")])],
    "group": [([("WP", MEMBER)], [("WP", MEMBER), ("WP", MEMBERSHIP), ("WP", "")]),
              ([("SW", MEMBER)], [("SW", MEMBER), ("SW", "")]), ([("WP", MEMBERSHIP)], [("WP", MEMBERSHIP)]),
              ([("WP", GROUP)], [("WP", ""), ("WP", GROUP)]), ([("WD", "")], [("WD", "")]),
              ([("WO", "")], [("WO", "")]), ([(ALL, "")], [(ALL, "")])],
    "computer": [([("WP", RESTRICTIONS)], [("WP", RESTRICTIONS), ("WP", "")]), ([(ALL, "")], [(ALL, "")])],
    "ou": [([("WP", GPLINK)], [("WP", GPLINK), ("WP", "")]), ([("WD", "")], [("WD", "")])],
    "domain": [([("CR", CHANGES), ("CR", CHANGES_ALL)], [("CR", CHANGES_ALL), ("CR", "")])],
    "holder": [([("WD", "")], [("WD", "")]), ([(ALL, "")], [(ALL, "")])],
}


class Domain:
    def __init__(self, folder, seed):
        lp = LoadParm()
        lp.load(folder + "/etc/smb.conf")
        self.db = SamDB(url=folder + "/private/sam.ldb", session_info=samba.auth.system_session(), lp=lp)
        self.base, self.sid = str(self.db.domain_dn()), security.dom_sid(self.db.get_domain_sid())
        self.random, self.made = random.Random(seed), 0

    def make(self, kind, name=None):
        """Adds an object and returns its DN."""
        self.made += 1
        name = name or "%s%02d" % (kind[:3], self.made)
        dn = "%s=%s,%s" % ("OU" if kind == "ou" else "CN", name, self.base if kind == "ou" else "CN=Users," + self.base)
        m = {"dn": dn, "objectClass": {"ou": "organizationalUnit"}.get(kind, kind)}
        if kind != "ou":
            m["sAMAccountName"] = name + ("$" if kind == "computer" else "")
        if kind == "user":
            m["userAccountControl"] = "544"
        if kind == "computer":
            m.update(userAccountControl="4128", operatingSystem="Windows Server 2022")
        self.db.add(m)
        if kind == "ou":  # with a server in it
            server = "srv%02d" % self.made
            self.db.add({"dn": "CN=%s,%s" % (server, dn), "objectClass": "computer", "sAMAccountName": server + "$",
                         "userAccountControl": "4128", "operatingSystem": "Windows Server 2022"})
        return dn

    def sid_of(self, dn):
        r = self.db.search(dn, ldb.SCOPE_BASE, attrs=["objectSid"])
        return str(ndr_unpack(security.dom_sid, r[0]["objectSid"][0]))

    def join(self, dn, group):
        m = ldb.Message(ldb.Dn(self.db, group))
        m["member"] = ldb.MessageElement(dn, ldb.FLAG_MOD_ADD, "member")
        self.db.modify(m)

    def entries(self, dn, aces):
        """Puts entries at the start of a DACL."""
        r = self.db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])
        text = ndr_unpack(security.descriptor, r[0]["nTSecurityDescriptor"][0]).as_sddl(self.sid)
        at = text.index("(", text.index("D:"))
        d = security.descriptor.from_sddl(text[:at] + "".join(aces) + text[at:], self.sid)
        m = ldb.Message(ldb.Dn(self.db, dn))
        m["nTSecurityDescriptor"] = ldb.MessageElement(ndr_pack(d), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
        self.db.modify(m, controls=["sd_flags:1:4"])

    def control(self, who, dn, kind, close):
        """Gives an account control of an object, or closes it by an entry for the account or a group of it."""
        allow, deny = self.random.choice(WAYS[kind])
        to = [self.sid_of(who)]
        if self.random.random() < 0.4:  # by a group, or by a group in a group
            group = self.make("group")
            self.join(who, group)
            if self.random.random() < 0.5:
                outer = self.make("group")
                self.join(group, outer)
                group = outer
            to.append(self.sid_of(group))
        ace = lambda how, x, sid: "(%s%s;;%s;%s;;%s)" % ("O" if x[1] else "", how, x[0], x[1], sid)
        aces = [ace("A", x, to[-1]) for x in allow]
        if close:
            aces.insert(0, ace("D", self.random.choice(deny), self.random.choice(to)))
        self.entries(dn, aces)

    def plant(self, name, close):
        """Plants one path. Returns the object that it controls, the number of steps and the closed step."""
        who = self.make("user", name)
        fixed = {"domain": self.base, "holder": "CN=AdminSDHolder,CN=System," + self.base,
                 "admins": "CN=Domain Admins,CN=Users," + self.base, "krbtgt": "CN=krbtgt,CN=Users," + self.base}
        end = self.random.choice(["user", "user", "group", "computer", "ou", "domain", "holder", "admins", "krbtgt"])
        dn = fixed.get(end) or self.make(end)
        kind = {"admins": "group", "krbtgt": "user"}.get(end, end)
        steps = 1
        if end in fixed or end == "ou":
            steps = self.random.choice([1, 2, 3])
        closed = self.random.randrange(steps) if close else -1
        for i in range(steps - 1):
            middle = self.random.choice(["user", "group"])
            next_ = self.make(middle)
            self.control(who, next_, middle, i == closed)
            who = next_
        self.control(who, dn, kind, steps - 1 == closed)
        return dn, steps, closed + 1


def export(folder, name):
    with open(folder + "/" + name, "wb") as out:
        subprocess.run(["ldbsearch", "-H", folder + "/private/sam.ldb", "(objectClass=*)"] + ATTRIBUTES, check=True,
                       stdout=out)


def main():
    folder, seed = sys.argv[1], int(sys.argv[2])
    export(folder, "before.ldif")
    d = Domain(folder, seed)
    order = [False] * 40 + [True] * 20
    d.random.shuffle(order)
    with open(folder + "/planted.jsonl", "w") as out:
        for i, close in enumerate(order):
            name = "planted%02d" % i
            dn, steps, closed = d.plant(name, close)
            out.write(json.dumps({"who": name, "open": not close, "object": dn, "steps": steps,
                                  "closed": closed}) + "\n")
    export(folder, "ad.ldif")


main()
