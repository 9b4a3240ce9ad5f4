package shares_test

import (
	"testing"

	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/internal/test/check"
)

// TestIgnoredParametersAreNamed checks that Notes names each parameter that affects access but that refmon does not
// evaluate.
func TestIgnoredParametersAreNamed(t *testing.T) {
	const file = "# a comment\n; another\n[global]\n  hosts allow = 10.\n" +
		" acl_xattr:ignore system acls = yes\n" +
		"  vfs objects = acl_xattr recycle\n nt acl support = yes\n force create mode = 0\n" +
		"[template]\n read only = no\n[docs]\n path = /srv/%U\n" +
		" copy = template\n force directory mode = 01\n" +
		" inherit owner = yes\n hide unreadable = yes\n valid users = alice, \\\n  bob, staff, @none\n" +
		"[homes]\n[global]\n Include = /etc/x.conf\n username map = /m\n config backend = registry\n" +
		" usershare allow guests = yes\n"
	c := check.Must(shares.ParseConfig([]byte(file), "DOCS"))
	g := c.Guard(directoryOf(), nil)
	want := []string{"[docs] hosts allow = 10. matters and is not read",
		"[docs] force directory mode = 01 matters and is not read",
		"[docs] inherit owner = yes matters and is not read", "[docs] hide unreadable = yes matters and is not read",
		"[docs] Include = /etc/x.conf matters and is not read", "[docs] username map = /m matters and is not read",
		"[docs] config backend = registry matters and is not read",
		"[docs] usershare allow guests = yes matters and is not read",
		"[docs] vfs objects: what recycle does is not known",
		"[docs] path = /srv/%U: what the server puts for % is not known",
		"[docs] valid users: staff is a group: without @ or + it means a user, and no one matches",
		"[docs] valid users: @none is not resolved by this directory, " +
			"and a server that cannot resolve it lets no one further"}
	check.SlicesEqual(t, g.Notes, want, "notes")
	check.That(t, c.Path == "" && c.IgnorePOSIX && c.Share == "docs",
		"the configuration is %+v, want that of the share docs, without a path, which ignores POSIX permissions", c)
	v := check.Must(g.Decide(1))
	check.That(t, v.Steps[0] == "valid users = bob: may connect" && ^v.Left == 0,
		"a list that goes on, and a copied share: %+v", v)
}
