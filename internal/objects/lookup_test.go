package objects_test

import (
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// Names of Windows' own domains are well-known ones in English, and names of other domains are the directory's
// (B-61). The SID of TrustedInstaller is Microsoft's documentation of service SIDs.
func TestLookupPrefersWellKnownNames(t *testing.T) {
	domain := sid.MustParse("S-1-5-21-1-2-3")
	d, err := directory.New(&directory.Accounts{Domain: domain,
		Users: []directory.User{{Name: "alice", SID: domain.WithRID(1107)},
			{Name: "Administrators", SID: domain.WithRID(1108)}, {Name: "both", SID: domain.WithRID(1109)},
			{Name: "cAROL", SID: domain.WithRID(1114)},
			{Name: "Carol", SID: domain.WithRID(1110)}, {Name: "carol", SID: domain.WithRID(1111)},
			{Name: "Dan", SID: domain.WithRID(1112)}, {Name: "dan", SID: domain.WithRID(1113)}},
		Groups: []directory.Group{{Name: "both", SID: domain.WithRID(2001)}, {Name: "DAN", SID: domain.WithRID(2003)},
			{Name: "posix", SID: domain.WithRID(2002), GID: directory.UnixID{ID: 7, Known: true}},
			{Name: "Staff", SID: domain.WithRID(2000)}, {Name: `OTHER\bob`, SID: sid.MustParse("S-1-5-21-9-9-9-1108")}}})
	check.NoError(t, err)
	assumed := ""
	find := objects.NewLookup(d, func(domain string) { assumed += domain + ";" })
	for name, want := range map[string]string{
		"Everyone": "S-1-1-0", "CREATOR OWNER": "S-1-3-0", `BUILTIN\Administrators`: "S-1-5-32-544",
		`nt authority\system`: "S-1-5-18", `CORP\alice`: "S-1-5-21-1-2-3-1107", `CORP\Staff`: "S-1-5-21-1-2-3-2000",
		`CORP\Administrators`: "S-1-5-21-1-2-3-1108", `CORP\Domain Admins`: "S-1-5-21-1-2-3-512",
		"S-1-5-21-9-9-9-1": "S-1-5-21-9-9-9-1", `other\bob`: "S-1-5-21-9-9-9-1108", `THIRD\bob`: "",
		`NT SERVICE\TrustedInstaller`: "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
		`CORP\carol`:                  "S-1-5-21-1-2-3-1111",
		// No name that two accounts could have.
		`CORP\CAROL`: "", `CORP\DAN`: "",
		"Administrators": "", "alice": "", "Staff": "", `BUILTIN\alice`: "", `BUILTIN\Administratoren`: "",
		`VORDEFINIERT\Administratoren`: "", "Jeder": "", `CORP\nobody`: "", `CORP\both`: "", `CORP\posix`: "",
		`CORP\`: "", `NT SERVICE\`: "", "": "",
	} {
		s, ok := find(name)
		check.That(t, ok == (want != "") && (!ok || s.String() == want), "%s is %v, %t, want %s", name, s, ok, want)
	}
	check.Equal(t, assumed, "CORP;", "domains that the directory is taken for")
	// The same name in a second domain is another account (B-61). An unknown name reveals nothing about its domain.
	one := objects.NewLookup(d, nil)
	for _, c := range []struct {
		name string
		want bool
	}{{`EVIL\nobody`, false}, {`BUILTIN\alice`, false}, {`CORP\alice`, true}, {`corp\alice`, true},
		{`EVIL\alice`, false}, {`CORP\alice`, true}, {`BUILTIN\Administrators`, true}} {
		_, ok := one(c.name)
		check.Equal(t, ok, c.want, "%s is found", c.name)
	}
	// The principal for BUILTIN\Users is no account of the directory.
	_, _, err = d.FindOrAdd(`BUILTIN\Users`)
	check.NoError(t, err)
	s, ok := objects.NewLookup(d, nil)(`CORP\Users`)
	check.That(t, !ok, `CORP\Users is %v, want no account`, s)
	_, ok = objects.NewLookup(nil, nil)(`CORP\alice`)
	check.That(t, !ok, "an account is found without a directory")
}
