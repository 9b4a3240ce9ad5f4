"""Makes an Active Directory domain of Samba in a folder, sets entries by samba-tool
dsacl set, and asks Samba which user has which right on which object: the domain's
own access checks on the directory's database, and samba.security.access_check.

dc.py FOLDER < {"users": [...], "computers": [...], "groups": {name: [members]}, "entries":
[[object, SDDL with {name} for SIDs], ...]}

It writes FOLDER/ad.ldif by ldbsearch, and a JSON line for each pair to FOLDER/answers.jsonl.
"""

import json
import subprocess
import sys

import ldb
import samba.auth
import samba.security
from samba.dcerpc import security
from samba.ndr import ndr_unpack
from samba.netcmd.main import cmd_sambatool
from samba.param import LoadParm
from samba.samdb import SamDB

PASSWORD = "Passw0rd!of-a-test"
# Words that are writing an attribute. AddAllowedToAct is missing: Samba 4.17 lets none but the
# system write that attribute, whatever the descriptor says.
WRITES = {
    "AddMember": "member",
    "WriteSPN": "servicePrincipalName",
    "AddKeyCredentialLink": "msDS-KeyCredentialLink",
    "WriteAltSecurityIdentities": "altSecurityIdentities",
    "WriteGPLink": "gPLink",
}
# Words that are a mask on the whole object.
MASKS = {"GenericAll": 0xF01FF, "GenericWrite": 0x20028, "WriteDacl": 0x40000, "WriteOwner": 0x80000}


def provision(folder):
    subprocess.run(
        ["samba-tool", "domain", "provision", "--configfile=/dev/null", "--targetdir=" + folder, "--realm=REFMON.TEST",
         "--domain=REFMON", "--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1", "--adminpass=" + PASSWORD,
         "--dns-backend=NONE", "--use-rfc2307", "--option=interfaces=lo", "--option=bind interfaces only=yes",
         "--option=vfs objects=acl_xattr dfs_samba4"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def fill(db, what):
    """Adds the accounts and returns the DN and SID of each name."""
    for user in what["users"]:
        db.newuser(user, PASSWORD)
    for computer in what["computers"]:
        db.newcomputer(computer)
    for group in what["groups"]:
        db.newgroup(group)
    for group, members in what["groups"].items():
        db.add_remove_group_members(group, members, add_members_operation=True)
    base = str(db.domain_dn())
    found = {"domain": (base, str(db.get_domain_sid()))}
    for name in what["users"] + what["computers"] + list(what["groups"]):
        wanted = "(|(sAMAccountName=%s)(sAMAccountName=%s$))" % (name, name)
        r = db.search(base, ldb.SCOPE_SUBTREE, wanted, ["objectSid"])
        found[name] = str(r[0].dn), str(ndr_unpack(security.dom_sid, r[0]["objectSid"][0]))
    return found


class Asker:
    """Asks as one user."""

    def __init__(self, url, lp, session):
        self.token = session.security_token
        self.db = SamDB(url=url, session_info=session, lp=lp)

    def attempt(self, what):
        """Reports whether an operation is let through, and takes it back."""
        self.db.transaction_start()
        try:
            what()
            return True
        except ldb.LdbError as e:
            if e.args[0] != ldb.ERR_INSUFFICIENT_ACCESS_RIGHTS:
                raise
            return False
        finally:
            self.db.transaction_cancel()

    def replicate(self, dn):
        try:
            self.db.search(dn, ldb.SCOPE_SUBTREE, "(cn=nobody)", ["cn"], controls=["dirsync:1:0:0"])
            return True
        except ldb.LdbError as e:
            if e.args[0] != ldb.ERR_INSUFFICIENT_ACCESS_RIGHTS:
                raise
            return False

    def masks(self, descriptor):
        """The check that Python has: of the whole object, without object types or PRINCIPAL SELF."""
        for word, mask in MASKS.items():
            try:
                samba.security.access_check(descriptor, self.token, mask)
                yield word, "access_check", True
            except samba.NTSTATUSError:
                yield word, "access_check", False

    def words(self, name, dn, kind, descriptor):
        attrs = ["allowedAttributes", "allowedAttributesEffective", "sDRightsEffective"]
        r = self.db.search(dn, ldb.SCOPE_BASE, attrs=attrs)[0]
        are = {str(a).lower() for a in r["allowedAttributes"]}  # what the object's classes can have
        may = {str(a).lower() for a in r.get("allowedAttributesEffective", [])}
        for word, attribute in WRITES.items():
            if attribute.lower() in are:
                yield word, "allowedAttributesEffective", attribute.lower() in may
        parts = int(str(r["sDRightsEffective"][0]))
        yield "WriteDacl", "sDRightsEffective", parts & security.SECINFO_DACL != 0
        yield "WriteOwner", "sDRightsEffective", parts & security.SECINFO_OWNER != 0
        if kind == "user":
            yield "ForceChangePassword", "a new password", self.attempt(
                lambda: self.db.setpassword("(samAccountName=%s)" % name, PASSWORD + "2"))
        if kind == "domain":
            yield "GetChanges", "dirsync", self.replicate(dn)
        yield from self.masks(descriptor)


def main():
    folder, what = sys.argv[1], json.load(sys.stdin)
    provision(folder)
    lp = LoadParm()
    lp.load(folder + "/etc/smb.conf")
    url = folder + "/private/sam.ldb"
    db = SamDB(url=url, session_info=samba.auth.system_session(), lp=lp)
    found = fill(db, what)
    sids = {name: sid for name, (_, sid) in found.items()}
    for name, entry in what["entries"]:
        failed = cmd_sambatool()._run("samba-tool", "dsacl", "set", "-H", url, "-s", folder + "/etc/smb.conf",
                                      "--objectdn=" + found[name][0], "--sddl=" + entry.format(**sids))
        if failed:
            raise SystemExit("samba-tool dsacl set %s on %s" % (entry, name))
    with open(folder + "/ad.ldif", "wb") as out:
        subprocess.run(["ldbsearch", "-H", url, "-s", "sub", "-b", found["domain"][0],
                        "(|(objectSid=*)(objectClass=organizationalUnit))", "objectClass", "objectSid",
                        "sAMAccountName", "memberOf", "primaryGroupID", "userAccountControl",
                        "nTSecurityDescriptor"], check=True, stdout=out)
    kinds = {"domain": "domain"}
    kinds.update({u: "user" for u in what["users"]}, **{g: "group" for g in what["groups"]},
                 **{c: "computer" for c in what["computers"]})
    flags = (samba.auth.AUTH_SESSION_INFO_DEFAULT_GROUPS | samba.auth.AUTH_SESSION_INFO_AUTHENTICATED |
             samba.auth.AUTH_SESSION_INFO_SIMPLE_PRIVILEGES)
    with open(folder + "/answers.jsonl", "w") as out:
        for user in what["users"]:
            asker = Asker(url, lp, samba.auth.user_session(db, lp_ctx=lp, dn=found[user][0], session_info_flags=flags))
            for name, (dn, _) in found.items():
                raw = db.search(dn, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"])[0]["nTSecurityDescriptor"][0]
                for word, by, allowed in asker.words(name, dn, kinds[name], ndr_unpack(security.descriptor, raw)):
                    json.dump({"user": user, "object": dn, "word": word, "by": by, "allowed": allowed}, out)
                    out.write("\n")


main()
