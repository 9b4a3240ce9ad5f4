package objects_test

import (
	"errors"
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestObjectNameLookupIgnoresAccountCase checks that objects are found by path, and accounts by each of their names, or
// by an alias of SDDL that is no name; letters of other names than paths have no case (U-119), nor have those of
// Windows paths (B-104).
func TestObjectNameLookupIgnoresAccountCase(t *testing.T) {
	d, err := directory.New(&directory.Accounts{Domain: sid.MustParse("S-1-5-21-1-2-3"),
		Users: []directory.User{{Name: "dora", SID: sid.MustParse("S-1-5-21-1-2-3-1902")},
			{Name: "DA", SID: sid.MustParse("S-1-5-21-1-2-3-1906")}},
		Groups: []directory.Group{{Name: "Crew", SID: sid.MustParse("S-1-5-21-1-2-3-1903")}}})
	check.NoError(t, err)
	entry := func(rid uint32, name, upn string, classes ...string) *objects.Entry {
		return &objects.Entry{SID: sid.MustParse("S-1-5-21-1-2-3").WithRID(rid), Name: name, UPN: upn, Classes: classes}
	}
	list := []struct {
		path  string
		entry *objects.Entry
	}{
		{"CN=Carla,OU=Staff,DC=corp,DC=test", entry(1901, "carla", "c.meier@corp.example")},
		{"CN=X,dc=corp,dc=test", entry(1902, "", "")},
		{"CN=Y, DC=corp, DC=test", entry(1903, "", "")},
		{"CN=PC1,DC=corp,DC=test", entry(1904, "PC1$", "", "top", "computer")},
		{"CN=Left,DC=corp,DC=test", entry(1905, "left$", "", "top", "user")},
		{`C:\Data\carla`, nil}, {"/srv/Plan", nil}, {"", &objects.Entry{}}, {`\\srv\a\plan`, nil},
		{"CN=Domain Guests,DC=corp,DC=test", entry(514, "Domain Guests", "")},
		{"CN=Administrators,DC=corp,DC=test", &objects.Entry{SID: sid.Administrators, Name: "Administrators"}},
		{"CN=DA,DC=corp,DC=test", entry(1906, "DA", "")},
		{"CN=Domain Admins,DC=corp,DC=test", entry(512, "Domain Admins", "")},
		{"plan", nil}, {"O=x", entry(1907, "nodn", "")}, {"/s/a", nil}, {"D:/Plan", nil}, {"d:x", nil},
		{"CN=S-1-5-21-1-2-3-1902,DC=corp,DC=test", entry(1902, "", "", "top", "foreignSecurityPrincipal")},
		{"CN=S-1-5-11,DC=corp,DC=test", &objects.Entry{SID: sid.AuthenticatedUsers,
			Classes: []string{"top", "foreignSecurityPrincipal"}}},
		{`CN=M\2c A\\,OU=x`, entry(1908, "", "")}, // RFC 4514, 2.4
	}
	for name, want := range map[string]int{ // the number of the object; -1: none
		"carla": 0, "CARLA": 0, `CORP\carla`: 0, "c.meier@CORP.example": 0, "carla@corp.TEST": 0, "S-1-5-21-1-2-3-1901": 0,
		"cn=carla,ou=staff,dc=corp,dc=test": 0, "CN=Carla, OU=Staff,  DC=corp, dc=test": 0,
		`CN=Carla\, OU=Staff,DC=corp,DC=test`: -1, "/srv/, X=Plan": -1,
		"carla@test": -1, "carla@": -1, "@corp.test": -1, "meier": -1, "C.meier": -1,
		"dora": 1, `CORP\DORA`: 1, `corp.test\dora`: 1, `OTHER\dora`: -1, `test\carla`: -1, `BUILTIN\Administrators`: 10,
		`NT AUTHORITY\Administrators`: 10, "crew": 2, `OTHER\crew`: -1, "PC1": 3, "pc1$": 3, "left": -1, "left$": 4,
		`C:\Data\carla`: 5, `c:\data\carla`: 5, `\\SRV\A\PLAN`: 8,
		"DG": 9, "dg": 9, "BA": 10, "DA": 11, "ED": -1,
		`cn=M\2C A\5c,OU=x`: 20, `CN=M\, A\\,OU=x`: 20, `CN=M, A,OU=x`: -1,
		"/srv/Plan": 6, "/srv/plan": -1, "/s/A": -1, "plan": 13, "Plan": -1, `CORP\plan`: -1, `d:\plan`: -1,
		"d:/plan": 16, "D:X": -1, `D:\`: -1, "$": -1, "S-1-5-21-1-2-3": -1, `CORP\nodn`: 14, `CORP\`: -1, `\carla`: -1,
		`CORP\c.meier@corp.example`: -1, `CORP\carla@corp.test`: -1,
		"S-1-5-11": 19, "s-1-5-11": 19, "AU": -1, "CN=S-1-5-21-1-2-3-1902,DC=corp,DC=test": 18,
	} {
		n, got := objects.NewName(name, d), -1
		for i, o := range list {
			if n.Is(o.path, o.entry) {
				got = i
			}
		}
		found := 0
		if want >= 0 {
			found = 1
		}
		check.That(t, got == want && n.Found() == found, "%q is object %d of %d found, want %d of %d (U-119)",
			name, got, n.Found(), want, found)
	}
}

// The error for a misspelled account names the nearest one, if the objects have accounts (U-119).
func TestNotFoundSuggestsAccount(t *testing.T) {
	d, err := directory.New(&directory.Accounts{Users: []directory.User{
		{Name: "dora", SID: sid.MustParse("S-1-5-21-1-2-3-1902")},
		{Name: "gone", SID: sid.MustParse("S-1-5-21-1-2-3-1903"), Disabled: true}}})
	check.NoError(t, err)
	account := &objects.Entry{SID: sid.MustParse("S-1-5-21-1-2-3-1904")}
	for _, c := range []struct {
		name string
		d    *directory.Directory
		e    *objects.Entry
		want string
	}{
		{"droa", d, account, `"droa": no object has this path or name: did you mean dora?`},
		{"droa@corp.test", d, account, `"droa@corp.test": no object has this path or name: did you mean dora?`},
		{"gnoe", d, account, `"gnoe": no object has this path or name: did you mean gone?`},
		{"droa", d, nil, `"droa": no object has this path or name`},
		{"droa", nil, account, `"droa": no object has this path or name`},
		{"dora", d, account, `"dora": no object has this path or name`},                   // its object is missing
		{"droa", d, &objects.Entry{Name: "x"}, `"droa": no object has this path or name`}, // not an account
		{`OTHER\dora`, d, account, `"OTHER\\dora": no object has this path or name: did you mean dora?`},
		{"somebody", d, account, `"somebody": no object has this path or name`},
	} {
		n := objects.NewName(c.name, c.d)
		n.Is("CN=x,DC=corp,DC=test", c.e)
		err := n.NotFound()
		check.That(t, errors.Is(err, objects.ErrNotFound), "%v is not ErrNotFound", err)
		check.Equal(t, err.Error(), c.want, "%s", c.name)
	}
}

// TestTrimProviderKeepsPath checks that a path is the same with and without PowerShell's provider.
func TestTrimProviderKeepsPath(t *testing.T) {
	const path = `Microsoft.PowerShell.Core\FileSystem::C:\a`
	for text, want := range map[string]string{path: `C:\a`, `C:\a`: `C:\a`, "a::b": "a::b", "": "",
		`C:\PowerShell\a::b`: `C:\PowerShell\a::b`,
		`Microsoft.PowerShell.Core\Registry::HKEY_USERS\a`: `HKEY_USERS\a`,
		"Microsoft.PowerShell.x":                           "Microsoft.PowerShell.x"} {
		got, _ := objects.TrimProvider(text)
		check.Equal(t, got, want, "%s", text)
	}
	check.That(t, objects.NewName(path, nil).Is(`C:\a`, nil), "%s is not found", path)
}
