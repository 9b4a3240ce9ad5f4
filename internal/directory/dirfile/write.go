package dirfile

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/logon"
	"github.com/refmon/refmon/sid"
)

// Write returns accounts as a directory file in YAML that Read accepts. It writes a membership as a group's name, or as
// a SID if the directory does not have the group. It leaves out Realm and UPN, for which the file has no field, and
// does not check the accounts.
func Write(a *directory.Accounts) []byte {
	var b strings.Builder
	if !a.Domain.IsZero() {
		fmt.Fprintf(&b, "domain: %v\n", a.Domain)
	}
	if !a.Computer.IsZero() {
		fmt.Fprintf(&b, "computer: %v\n", a.Computer)
	}
	if a.Logon != logon.Kerberos {
		fmt.Fprintf(&b, "logon: %v\n", a.Logon)
	}
	names := make(map[sid.SID]string, len(a.Groups))
	for i := range a.Groups {
		names[a.Groups[i].SID] = a.Groups[i].Name
	}
	writeList(&b, "users", len(a.Users), func(i int) {
		u := &a.Users[i]
		writeAccount(&b, u.Name, u.SID, u.MemberOf, names)
		writeID(&b, "uid", u.UID)
		writeID(&b, "gid", u.GID)
		writeClaims(&b, u.Claims)
		if !u.Primary.IsZero() {
			fmt.Fprintf(&b, ", primaryGroup: %v", u.Primary)
		}
		if u.Disabled {
			b.WriteString(", disabled: true")
		}
	})
	writeList(&b, "groups", len(a.Groups), func(i int) {
		g := &a.Groups[i]
		writeAccount(&b, g.Name, g.SID, g.MemberOf, names)
		writeID(&b, "gid", g.GID)
	})
	return []byte(b.String())
}

// writeList appends n accounts below a key in YAML, and calls write for the fields of each. It appends [] if n is 0.
func writeList(b *strings.Builder, key string, n int, write func(i int)) {
	if n == 0 {
		fmt.Fprintf(b, "%s: []\n", key)
		return
	}
	fmt.Fprintf(b, "%s:\n", key)
	for i := range n {
		b.WriteString("  - {")
		write(i)
		b.WriteString("}\n")
	}
}

// writeAccount writes the fields that users and groups share. names has the names of the directory's groups. A group
// outside the directory is given by its SID.
func writeAccount(b *strings.Builder, name string, s sid.SID, memberOf []sid.SID, names map[sid.SID]string) {
	fmt.Fprintf(b, "name: %s, sid: %v", strconv.Quote(name), s)
	for i, g := range memberOf {
		separator := ", "
		if i == 0 {
			separator = ", memberOf: ["
		}
		b.WriteString(separator)
		if name, ok := names[g]; ok {
			b.WriteString(strconv.Quote(name))
		} else {
			b.WriteString(g.String())
		}
	}
	if len(memberOf) > 0 {
		b.WriteString("]")
	}
}

// writeID writes a uid or gid, if it is known.
func writeID(b *strings.Builder, key string, id directory.UnixID) {
	if id.Known {
		fmt.Fprintf(b, ", %s: %d", key, id.ID)
	}
}

// typeNames are the types of claims as token files name them.
var typeNames = map[claims.Type]string{claims.String: "string", claims.Int64: "int64", claims.Uint64: "uint64",
	claims.Boolean: "boolean", claims.SID: "sid", claims.Octets: "octets"}

// writeClaims appends the claims of a user in the form of a token file. It appends nothing for a nil or empty set.
func writeClaims(b *strings.Builder, set *claims.Set) {
	if set.Len() == 0 {
		return
	}
	b.WriteString(", claims: [")
	for i, a := range set.All() {
		if i > 0 {
			b.WriteString(", ")
		}
		var values []string
		for _, v := range a.Strings {
			values = append(values, strconv.Quote(v))
		}
		for _, v := range a.Ints {
			values = append(values, strconv.FormatInt(v, 10))
		}
		for _, v := range a.Uints {
			if a.Type == claims.Boolean {
				values = append(values, strconv.FormatBool(v != 0))
			} else {
				values = append(values, strconv.FormatUint(v, 10))
			}
		}
		for _, v := range a.SIDs {
			values = append(values, strconv.Quote(v.String()))
		}
		for _, v := range a.Octets {
			values = append(values, strconv.Quote(hex.EncodeToString(v)))
		}
		fmt.Fprintf(b, `{"name": %s, "type": %q, "values": [%s]`, strconv.Quote(a.Name), typeNames[a.Type],
			strings.Join(values, ", "))
		if a.Flags != 0 {
			fmt.Fprintf(b, `, "flags": %d`, a.Flags)
		}
		b.WriteString("}")
	}
	b.WriteString("]")
}
