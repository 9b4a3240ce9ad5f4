# Makes accounts in a domain that was just provisioned: python3 make.py FOLDER < ORDER.
# ORDER is JSON: users {name: groups}, service {name, principals}, password, and the
# names of groups. Groups hold one another, five deep.
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
        # A chain of five: the user is in the first, each is in the next.
        member = user
        for depth in range(5):
            if made == count:
                break
            dn = "CN=%s-g%d,CN=Users,%s" % (name, made, base)
            local = depth == 4 and made % 10 == 4
            kind = -2147483644 if local else -2147483646  # the last of a chain is of the domain's own, now and then
            db.add({"dn": dn, "objectClass": "group", "sAMAccountName": "%s-g%d" % (name, made),
                    "groupType": str(kind), "member": member})
            member = dn
            made += 1
numbered = order.get("numbered") or 0
for i in range(numbered):
    # Accounts with uidNumber and gidNumber, whose primary group has one, too.
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
# The keys are those of the types that the account has now.
db.setpassword("(sAMAccountName=%s)" % service["name"], password + "-service")
