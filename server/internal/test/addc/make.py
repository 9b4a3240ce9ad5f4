# Creates accounts in a newly provisioned domain: python3 make.py FOLDER < ORDER.
# ORDER is JSON: users {name: number of groups}, password, numbered, firstID, and service
# {name, principals}. Groups are nested five deep.
import json
import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

folder, order = sys.argv[1], json.load(sys.stdin)
lp = LoadParm()
lp.load(folder + "/etc/smb.conf")
db = SamDB(url=folder + "/private/sam.ldb", session_info=system_session(), lp=lp)
base = str(db.domain_dn())
password = order["password"]

db.transaction_start()
for name, count in (order["users"] or {}).items():
    db.newuser(name, password)
    user = "CN=%s,CN=Users,%s" % (name, base)
    db.modify_ldif("dn: %s\nchangetype: modify\nreplace: displayName\ndisplayName: %s of the test\n" % (user, name))
    below = [user] * 1
    made = 0
    while made < count:
        # A chain of five groups: the user is a member of the first, and each group of the next.
        member = user
        for depth in range(5):
            if made == count:
                break
            dn = "CN=%s-g%d,CN=Users,%s" % (name, made, base)
            local = depth == 4 and made % 10 == 4
            kind = -2147483644 if local else -2147483646  # the last group of every second chain is domain local
            db.add({"dn": dn, "objectClass": "group", "sAMAccountName": "%s-g%d" % (name, made),
                    "groupType": str(kind), "member": member})
            member = dn
            made += 1
numbered = order.get("numbered") or 0
for i in range(numbered):
    # Accounts with a uidNumber and the gidNumber of their primary group.
    name = "n%d" % i
    db.add({"dn": "CN=%s,CN=Users,%s" % (name, base), "objectClass": "user", "sAMAccountName": name,
            "uidNumber": str(order["firstID"] + i), "gidNumber": str(order["firstID"] + 999)})
if numbered:
    db.modify_ldif("dn: CN=Domain Users,CN=Users,%s\nchangetype: modify\nadd: gidNumber\ngidNumber: %d\n" %
                   (base, order["firstID"] + 999))
service = order["service"]
db.newuser(service["name"], password)
dn = "CN=%s,CN=Users,%s" % (service["name"], base)
changes = "dn: %s\nchangetype: modify\nreplace: msDS-SupportedEncryptionTypes\nmsDS-SupportedEncryptionTypes: 24\n" % dn
for principal in service["principals"]:
    changes += "-\nadd: servicePrincipalName\nservicePrincipalName: %s\n" % principal
db.modify_ldif(changes)
db.transaction_commit()
# A new password gives the account keys of its present encryption types.
db.setpassword("(sAMAccountName=%s)" % service["name"], password + "-service")
