package addc

// Limits is LDIF for [Order.Changes] that restricts accounts with these names: locked is locked out, expired has
// expired, disabled is disabled, fresh must change the password, aged has a password that is too old, and idle may
// log on at no hour of the week.
const Limits = `dn: CN=locked,CN=Users,BASE
changetype: modify
replace: lockoutTime
lockoutTime: 159000000000000000

dn: CN=expired,CN=Users,BASE
changetype: modify
replace: accountExpires
accountExpires: 133000000000000000

dn: CN=disabled,CN=Users,BASE
changetype: modify
replace: userAccountControl
userAccountControl: 514

dn: CN=fresh,CN=Users,BASE
changetype: modify
replace: pwdLastSet
pwdLastSet: 0

dn: CN=aged,CN=Users,BASE
changetype: modify
replace: pwdLastSet
pwdLastSet: 132000000000000000

dn: CN=idle,CN=Users,BASE
changetype: modify
replace: logonHours
logonHours:: AAAAAAAAAAAAAAAAAAAAAAAAAAAA
`
