package directory_test

import (
	"testing"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/directory/dirfile"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sid"
)

// TestFingerprintDependsOnPrincipals changes the domain and each value of a principal that a fingerprint covers.
func TestFingerprintDependsOnPrincipals(t *testing.T) {
	d := check.Must(dirfile.Read([]byte(askingFile)))
	i, _, err := d.FindOrAdd("SYSTEM")
	check.NoError(t, err)
	system := d.Principals[i].Token
	seen := map[uint64]string{d.Fingerprint(): "nothing"}
	for what, change := range map[string]func(d *directory.Directory, p *directory.Principal){
		"Domain":   func(d *directory.Directory, _ *directory.Principal) { d.Domain = sid.SID{} },
		"Name":     func(_ *directory.Directory, p *directory.Principal) { p.Name = "alicia" },
		"Token":    func(_ *directory.Directory, p *directory.Principal) { p.Who, p.Token = p.SID(), system },
		"Who":      func(_ *directory.Directory, p *directory.Principal) { p.Who = sid.LocalSystem },
		"Withheld": func(_ *directory.Directory, p *directory.Principal) { p.Withheld = 1 },
		"Root":     func(_ *directory.Directory, p *directory.Principal) { p.Root = true },
	} {
		changed := d.Clone()
		change(changed, &changed.Principals[0])
		sum := changed.Fingerprint()
		check.Equal(t, seen[sum], "", "fingerprint after a change of %s, which is that after a change of", what)
		seen[sum] = what
	}
	check.Equal(t, seen[d.Fingerprint()], "nothing", "the change that reached the directory from its clones")
}

// A fixed RID has its well-known name in the directory's domain only. In another domain the SID is shown, so that
// nobody takes a foreign account for one of this domain. The directory's own name of an account precedes.
func TestFixedRIDHasNameOnlyInOwnDomain(t *testing.T) {
	const admins, claims = "S-1-5-21-1-2-3-512", "S-1-5-21-0-0-0-497"
	for domain, want := range map[string]string{"S-1-5-21-1-2-3": "Domain Admins", "": "Domain Admins",
		"S-1-5-21-7-8-9": admins} {
		var d directory.Directory
		if domain != "" {
			d.Domain = sid.MustParse(domain)
		}
		check.Equal(t, d.Name(sid.MustParse(admins)), want, "name of %s in the domain %q", admins, domain)
		check.Equal(t, d.Known(sid.MustParse(admins)), want != admins, "%s is known in the domain %q", admins, domain)
		check.Equal(t, d.Name(sid.MustParse(claims)), sid.Name(sid.ClaimsValid), "name of %s in the domain %q", claims,
			domain)
	}
	d := check.Must(dirfile.Read([]byte("domain: S-1-5-21-1-2-3\nusers:\n  - {name: root, sid: S-1-5-21-1-2-3-500}\n" +
		"groups:\n  - {name: wheel, sid: BA}\n")))
	check.Equal(t, d.Name(sid.MustParse("S-1-5-21-1-2-3-500"))+" "+d.Name(sid.Administrators), "root wheel",
		"names that the directory gives")
}
