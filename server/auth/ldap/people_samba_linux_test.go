package ldap

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/server/internal/test/addc"
)

// perGroup is the number of accounts per group in the large directory.
const perGroup = 500

// bigGroups returns groups with perGroup members each, taken from the first half of n accounts.
func bigGroups(n int) string {
	var b strings.Builder
	for g := range n / 2 / perGroup {
		fmt.Fprintf(&b, "dn: CN=g%d,CN=Users,BASE\nchangetype: add\nobjectClass: group\nsAMAccountName: g%d\n", g, g)
		for i := range perGroup {
			fmt.Fprintf(&b, "member: CN=n%d,CN=Users,BASE\n", g*perGroup+i)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// TestLDAPExportHasEveryAccount exports a real server with REFMON_ACCOUNTS accounts. Each account is in the directory
// file with its groups (D-22). The test logs the duration.
func TestLDAPExportHasEveryAccount(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("REFMON_ACCOUNTS"))
	if err != nil || n < 2*perGroup {
		t.Skip("it fills a directory for minutes: REFMON_ACCOUNTS=100000 runs it")
	}
	d := addc.Start(t, addc.Order{Numbered: n, Service: "HTTP/www.refmon.test", Changes: bigGroups(n), TLS: true})
	dir := check.Must(New(mutualAuthConfigs(t, d)["LDAPS"]))
	defer dir.Close()
	begin := time.Now()
	var list People
	check.NoError(t, dir.People(context.Background(), &list))
	text := dirfile.Write(list.Accounts())
	users, groups := len(list.Accounts().Users), len(list.Accounts().Groups)
	t.Logf("%d users and %d groups, %d bytes, after %v", users, groups, len(text), time.Since(begin))
	check.RequireThat(t, users >= n && groups >= n/2/perGroup,
		"D-22: %d users and %d groups in the file, want at least %d, at least %d", users, groups, n, n/2/perGroup)
	read := check.Must(dirfile.Read(text))
	for i, in := range map[int]bool{0: true, perGroup - 1: true, n - 1: false} {
		name := fmt.Sprint("n", i)
		p := read.Account(name)
		check.That(t, p != nil && p.Token.User().SID == d.UserSID(name) && p.Token.Member(d.UserSID("g0"), false) == in,
			"D-22: %s in the file: %+v, in g0: want %t", name, p, in)
	}
}
