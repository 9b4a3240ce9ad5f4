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
}
