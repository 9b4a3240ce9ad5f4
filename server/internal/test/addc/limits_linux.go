package addc

// Limits are changes that limit accounts of these names, each in another way: of locked and
// expired the account, of fresh and aged the password (to be changed at first, and too
// old), disabled, and idle, who has no hour of the week.
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
